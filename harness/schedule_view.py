"""The runs of beat's entries as a history shows them, and what can be wrong with them.

Only entries that are due every few seconds, each with a task of its own: their runs
can be counted. A run that says it had no effect is none.
"""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.history import History, Observation
from harness.verdict import Verdict, violated

#: Entries with a longer period, in seconds, are not watched.
LONGEST_S = 5.0

#: Ends by which a task says that it had no effect: Celery's Ignore and Reject.
NO_EFFECT = ("ignored", "rejected")

#: How many runs are compared with the time they took: with two schedulers no more
#: than three are needed, and a clock that drifts does not add up.
COMPARED = 4


@dataclass(frozen=True)
class Entry:
    """One entry of the schedule: its starts that had an effect, in order of time."""

    name: str
    task: str
    every_s: float
    starts: tuple[Observation, ...]

    def tolerance_s(self, bounds: Mapping[str, float]) -> float:
        """Return how early or late a run may be, in seconds."""
        return min(bounds["tolerance_s"], self.every_s / 2)

    def between(self, since_t: float, until_t: float) -> list[Observation]:
        """Return the starts of that time, the one at `since_t` too."""
        return [o for o in self.starts if since_t <= o.t <= until_t]

    def before(self, t: float) -> list[Observation]:
        """Return the last start before that time, or none."""
        return [o for o in self.starts if o.t < t][-1:]


def entries(history: History) -> Iterator[Entry]:
    """Yield the entries whose runs can be counted."""
    known = history.of(source="agent", kind="schedule")
    told: Mapping[str, Mapping[str, object]] = (
        known[-1].get("entries", {}) if known else {}
    )
    shared = Counter(str(entry["task"]) for entry in told.values())
    for name, entry in told.items():
        task, every_s = str(entry["task"]), entry["every_s"]
        if not isinstance(every_s, int | float) or every_s > LONGEST_S:
            continue
        if shared[task] == 1:
            yield Entry(name, task, every_s, _starts(history, task))


def _starts(history: History, task: str) -> tuple[Observation, ...]:
    """Return the starts of the task that had an effect and that we did not send."""
    ours = {job.id for job in history.jobs}
    idle = {
        o.job
        for o in history.of(source="ledger", kind="end")
        if o.get("how") in NO_EFFECT
    }
    found = [
        o
        for o in history.of(source="ledger", kind="start")
        if o.get("task") == task and o.job not in ours | idle
    ]
    return tuple(sorted(found, key=lambda o: o.t))


def end_of(history: History, start: Observation) -> Observation | None:
    """Return the end of an execution as its own process told it, None while it runs."""
    for o in history.of(job=start.job):
        if o.name == "ledger.end" and o.t >= start.t and o.get("role") == "child":
            return o
    return None


def crowded(
    entry: Entry, runs: Sequence[Observation], tolerance_s: float, spare: int = 0
) -> Verdict | None:
    """Return a violation where runs are more than the slots of their time.

    So many runs to `spare` are none, wherever one looks.
    """
    for first in range(len(runs)):
        for last in range(first + 1, min(first + spare + COMPARED, len(runs))):
            took_s = runs[last].t - runs[first].t
            if (last - first - spare) * entry.every_s - took_s > tolerance_s:
                more = f", and {spare} to catch up" if spare else ""
                return violated(
                    f"{entry.name} ran more often than it was due.",
                    expected=f"one run every {entry.every_s:g} s, {tolerance_s:g} s "
                    f"early or late{more}",
                    observed=f"{last - first + 1} runs within {took_s:.2f} s, from "
                    f"{runs[first].t:.2f} s on",
                    evidence=tuple(o.line for o in runs[first : last + 1]),
                    timed=True,
                )
    return None


def missing(
    entry: Entry, seen: Sequence[Observation], within_s: float, until_s: float
) -> Verdict | None:
    """Return a violation where a slot has no run; `seen[0]` is the beginning."""
    ends = [*(o.t for o in seen[1:]), until_s]
    for last, next_t in zip(seen, ends, strict=True):
        if next_t - last.t > within_s:
            return violated(
                f"{entry.name} was due and did not run.",
                expected=f"a run before {last.t + within_s:.2f} s",
                observed=f"none from {last.t:.2f} to {next_t:.2f} s",
                evidence=(last.line,),
                timed=True,
            )
    return None


def punctual(
    entry: Entry, runs: Sequence[Observation], tolerance_s: float
) -> list[Observation]:
    """Leave out each run that was late: the next one may be close behind it."""
    late = {
        after.line
        for before, after in itertools.pairwise(runs)
        if after.t - before.t > entry.every_s + tolerance_s
    }
    return [o for o in runs if o.line not in late]


def of_part(fault: Observation, part: str) -> bool:
    """Whether a fault's victim is that part, or one more of it, such as beat-2."""
    role = str((fault.get("victim") or {}).get("role", ""))
    return role == part or role.rpartition("-")[0] == part


def bitten(history: History, part: str, *names: str) -> list[Observation]:
    """Return the faults of these names that hit that part."""
    return [
        o
        for o in history.of(source="fault", kind="injected")
        if o.get("bit") and o.get("fault") in names and of_part(o, part)
    ]


def healing(history: History, fault: Observation) -> Observation | None:
    """Return the end of a fault; None while it lasts."""
    for o in history.of(source="fault", kind="healed"):
        if o.t >= fault.t and o.get("fault") == fault.get("fault"):
            return o
    return None


def next_fault_t(history: History, after_t: float) -> float | None:
    """Return when the next fault hit, or a second scheduler left; None if none did."""
    times = [
        o.t
        for o in history.of(source="fault")
        if o.t > after_t and (o.kind == "injected" or o.get("fault") == "replica")
    ]
    return min(times, default=None)
