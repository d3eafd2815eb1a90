"""The law about beat undisturbed: what is due runs, and runs once."""

import itertools
from collections.abc import Mapping

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.schedule_view import Entry, crowded, entries, missing
from harness.verdict import Verdict, holds, inconclusive, merge

#: The situation from whose beginning on the runs of beat's entries are counted.
NAME = "schedule.steady_state"

#: Slots of an entry that are watched at least.
SLOTS = 10


@contract(
    id="schedule.one-run-per-slot",
    code="BEAT-001",
    claim="Undisturbed, an entry of the schedule has one run each time it is due",
    user_sees="two invoices, two reminders, two clean-ups at once; or a nightly job "
    "that skips a night",
    likely="two schedulers: `worker -B` in two replicas, or beside a beat of its own; "
    "beat has no lock, not even with one schedule file",
    source="Celery manual, periodic tasks; celery#4041, celery#7577; measured: two "
    "beats make 20 runs in 10 slots, on one schedule file 14",
    needs=("app", "worker", "beat"),
    bounds={
        "tolerance_s": Bound(
            1.0, "s", "early or late, at most half a period; typical 0.02"
        )
    },
)
def one_run_per_slot(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at the runs of each entry that is due every few seconds."""
    begun = next(
        (
            o
            for o in history.of(source="harness", kind="situation")
            if o.get("name") == NAME
        ),
        None,
    )
    return merge(
        (
            _entry(history, begun, entry, entry.tolerance_s(bounds))
            for entry in entries(history)
            if begun is not None
        ),
        nothing="No entry of beat's schedule was watched in its steady state.",
    )


def _entry(
    history: History, begun: Observation, entry: Entry, tolerance_s: float
) -> Verdict:
    name, every_s = entry.name, entry.every_s
    until_s = history.watched_until_s
    runs = [o for o in entry.starts if o.t >= begun.t]
    bad = crowded(entry, runs, tolerance_s) or missing(
        entry, (begun, *runs), every_s + tolerance_s, until_s
    )
    if bad is not None:
        return bad
    watched_s = until_s - begun.t
    if watched_s < SLOTS * every_s:
        return inconclusive(
            f"{name} was not watched for {SLOTS} slots.",
            expected=f"{SLOTS * every_s:g} s of runs every {every_s:g} s",
            observed=f"{len(runs)} runs in {watched_s:.2f} s",
            evidence=tuple(o.line for o in runs),
            due_t=begun.t + SLOTS * every_s,
        )
    gaps = [b.t - a.t for a, b in itertools.pairwise(runs)]
    off_s = max((abs(gap - every_s) for gap in gaps), default=0.0)
    return holds(
        f"{name} ran {len(runs)} times in {watched_s:.1f} s, every {every_s:g} s.",
        evidence=tuple(o.line for o in runs),
        measured={"tolerance_s": off_s},
    )
