"""Laws about beat: what is due runs, and runs once."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.verdict import Verdict, holds, inconclusive, merge, violated

#: The situation from whose beginning on the runs of beat's entries are counted.
NAME = "schedule.steady_state"

#: Entries with a longer period, in seconds, are not watched.
LONGEST_S = 5.0

#: Slots of an entry that are watched at least.
SLOTS = 10

#: Ends by which a task says that it had no effect: Celery's Ignore and Reject.
NO_EFFECT = ("ignored", "rejected")

#: How many runs are compared with the time they took: with two schedulers no more
#: than three are needed, and a clock that drifts does not add up.
COMPARED = 4


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
    known = history.of(source="agent", kind="schedule")
    entries: Mapping[str, Mapping[str, object]] = (
        known[-1].get("entries", {}) if known else {}
    )
    shared = Counter(str(entry["task"]) for entry in entries.values())
    return merge(
        (
            _entry(history, begun, name, task, every_s, bounds)
            for name, entry in entries.items()
            if begun is not None
            and isinstance(every_s := entry["every_s"], int | float)
            and every_s <= LONGEST_S
            and shared[task := str(entry["task"])] == 1
        ),
        nothing="No entry of beat's schedule was watched in its steady state.",
    )


def _entry(
    history: History,
    begun: Observation,
    name: str,
    task: str,
    every_s: float,
    bounds: Mapping[str, float],
) -> Verdict:
    runs = _runs(history, task, begun.t)
    until_s = history.watched_until_s
    tolerance_s = min(bounds["tolerance_s"], every_s / 2)
    bad = _too_many(runs, name, every_s, tolerance_s) or _missing(
        (begun, *runs), name, every_s + tolerance_s, until_s
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


def _runs(history: History, task: str, since_t: float) -> list[Observation]:
    """Return the starts of the task that had an effect and that we did not send."""
    ours = {job.id for job in history.jobs}
    idle = {
        o.job
        for o in history.of(source="ledger", kind="end")
        if o.get("how") in NO_EFFECT
    }
    starts = [
        o
        for o in history.of(source="ledger", kind="start")
        if o.get("task") == task and o.t >= since_t and o.job not in ours | idle
    ]
    return sorted(starts, key=lambda o: o.t)


def _too_many(
    runs: Sequence[Observation], name: str, every_s: float, tolerance_s: float
) -> Verdict | None:
    """Return a violation where runs are more than the slots of their time."""
    for first in range(len(runs)):
        for last in range(first + 1, min(first + COMPARED, len(runs))):
            took_s = runs[last].t - runs[first].t
            if (last - first) * every_s - took_s > tolerance_s:
                count = last - first + 1
                return violated(
                    f"{name} ran more often than it was due.",
                    expected=f"one run every {every_s:g} s, {tolerance_s:g} s early "
                    "or late",
                    observed=f"{count} runs within {took_s:.2f} s, from "
                    f"{runs[first].t:.2f} s on",
                    evidence=tuple(o.line for o in runs[first : last + 1]),
                    timed=True,
                )
    return None


def _missing(
    seen: Sequence[Observation], name: str, within_s: float, until_s: float
) -> Verdict | None:
    """Return a violation where a slot has no run; `seen[0]` is the beginning."""
    ends = [*(o.t for o in seen[1:]), until_s]
    for last, next_t in zip(seen, ends, strict=True):
        if next_t - last.t > within_s:
            return violated(
                f"{name} was due and did not run.",
                expected=f"a run before {last.t + within_s:.2f} s",
                observed=f"none from {last.t:.2f} to {next_t:.2f} s",
                evidence=(last.line,),
                timed=True,
            )
    return None
