"""The law about two schedulers at once, as in every rolling deployment."""

from collections.abc import Mapping

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.schedule_view import (
    Entry,
    bitten,
    crowded,
    entries,
    missing,
    next_fault_t,
)
from harness.verdict import Verdict, holds, inconclusive, merge

#: Slots of an entry that are watched at least while both run.
SLOTS = 3


@contract(
    id="schedule.two-schedulers-one-run",
    code="BEAT-002",
    claim="While two schedulers overlap, an entry has one run each time it is due",
    user_sees="two reminders and two invoices, each time a new version is deployed",
    likely="a rolling update, which starts the new beat before the old one ends, or a "
    "second replica; and neither a lock nor a job that knows which slot it is for",
    source="celery#2856; a Deployment of one replica overlaps itself by default; "
    "measured: two beats make 20 runs in 10 slots, with celery-redbeat 10",
    needs=("app", "worker", "beat"),
    bounds={
        "tolerance_s": Bound(
            1.0, "s", "early or late, at most half a period; typical 0.02"
        )
    },
)
def two_schedulers_one_run(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at the runs of each entry while a second scheduler runs beside the first."""
    return merge(
        (
            _overlap(history, second, entry, entry.tolerance_s(bounds))
            for second in bitten(history, "beat", "replica")
            for entry in entries(history)
        ),
        nothing="No second scheduler ran beside the first.",
    )


def _overlap(
    history: History, second: Observation, entry: Entry, tolerance_s: float
) -> Verdict:
    ended_t = next_fault_t(history, second.t)
    until_s = history.watched_until_s if ended_t is None else ended_t
    runs = entry.between(second.t, until_s)
    bad = crowded(entry, runs, tolerance_s) or missing(
        entry, (second, *runs), entry.every_s + tolerance_s, until_s
    )
    if bad is not None:
        return bad
    due_t = second.t + SLOTS * entry.every_s
    if until_s < due_t:
        return inconclusive(
            f"Two schedulers were not watched for {SLOTS} slots of {entry.name}.",
            expected=f"both run for {SLOTS * entry.every_s:g} s",
            observed=f"both ran for {until_s - second.t:.2f} s",
            evidence=(second.line, *(o.line for o in runs)),
            due_t=due_t if ended_t is None else None,
        )
    return holds(
        f"{entry.name} ran {len(runs)} times in {until_s - second.t:.1f} s, every "
        f"{entry.every_s:g} s, with two schedulers.",
        evidence=(second.line, *(o.line for o in runs)),
    )
