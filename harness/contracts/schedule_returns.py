"""Laws about a scheduler that was lost: it comes back, and makes up for nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.schedule_view import (
    Entry,
    bitten,
    crowded,
    entries,
    healing,
    next_fault_t,
    punctual,
)
from harness.verdict import Verdict, holds, inconclusive, merge, violated

#: Slots of an entry that are watched at least after its first run.
SLOTS = 1

TOLERANCE = Bound(1.0, "s", "early or late, at most half a period; typical 0.02")

#: Runs that one entry may have beyond those that are due: one for all it missed.
CATCH_UP = 1


@dataclass(frozen=True)
class Disturbance:
    """What the scheduler must come back from: it began, and it ended."""

    what: str
    began: Observation
    ended: Observation
    #: Whether another scheduler must have run meanwhile, or nothing was tried.
    relieved: bool = False


@contract(
    id="schedule.returns-after-a-kill",
    code="BEAT-003",
    claim="A beat that was killed runs again in time, and sends nothing for each slot "
    "it missed",
    user_sees="no clean-up and no reminder since a node was lost, until somebody "
    "looks; or twenty of them in one minute",
    likely="a pidfile that outlives its process on a kept volume, a schedule file that "
    "was being written, a lock without a time to live; or a scheduler that catches up",
    source="cookiecutter-django#2729, celery#9074; measured: a beat that is killed "
    "after it sent sends again 1.9 s later, since it saves its schedule every 180 s",
    needs=("app", "worker", "beat"),
    bounds={
        "returns_s": Bound(
            15.0, "s", "to a run, and a period on top; typical 3, a lock and a start"
        ),
        "tolerance_s": TOLERANCE,
    },
)
def returns_after_a_kill(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at the runs of each entry after its scheduler was killed."""
    return merge(
        (
            _came_back(history, Disturbance("the kill", kill, kill), entry, bounds)
            for kill in bitten(history, "beat", "kill_main", "oom_main")
            for entry in entries(history)
        ),
        nothing="No scheduler was killed.",
    )


@contract(
    id="schedule.survives-lost-lock",
    code="BEAT-005",
    claim="A scheduler that loses its lock, or its Redis for a while, neither sends "
    "beside another one nor stops for ever",
    user_sees="each reminder twice since the machine was suspended; or none since "
    "Redis was restarted, though every process runs",
    likely="a lock that is asked for once, at the start; one that is lost and never "
    "asked for again; or a connection that was kept, and is broken",
    source="redbeat#208 (sends without the lock), #230, #129; measured: a leader that "
    "was frozen for longer than its lock ends with LockNotOwnedError",
    needs=("app", "worker", "beat"),
    bounds={
        "returns_s": Bound(
            10.0, "s", "from its end to a run, and a period on top; typical 1"
        ),
        "tolerance_s": TOLERANCE,
    },
)
def survives_lost_lock(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at the runs of each entry while its scheduler is away, and after."""
    lost = [*_frozen(history), *_restarts(history)]
    return merge(
        (
            _came_back(history, disturbance, entry, bounds, strict=True)
            for disturbance in (*lost, *(_left(history) if lost else ()))
            for entry in entries(history)
        ),
        nothing="No scheduler was frozen, and Redis was not restarted.",
    )


def _frozen(history: History) -> Iterator[Disturbance]:
    killed = bitten(history, "beat", "kill_main", "oom_main")
    for pause in bitten(history, "beat", "pause"):
        end = healing(history, pause)
        if end and not any(pause.t < kill.t <= end.t for kill in killed):
            yield Disturbance("the freeze", pause, end, relieved=True)


def _restarts(history: History) -> Iterator[Disturbance]:
    for fault in bitten(history, "redis", "redis_restart", "redis_stop"):
        end = healing(history, fault)
        if end:
            yield Disturbance("Redis was away", fault, end)


def _left(history: History) -> Iterator[Disturbance]:
    """Yield the ends of second schedulers: the first one must lead again."""
    for fault in bitten(history, "beat", "replica"):
        end = healing(history, fault)
        if end:
            yield Disturbance("the second scheduler left", end, end)


def _came_back(
    history: History,
    lost: Disturbance,
    entry: Entry,
    bounds: Mapping[str, float],
    *,
    strict: bool = False,
) -> Verdict:
    tolerance_s = entry.tolerance_s(bounds)
    next_t = next_fault_t(history, lost.ended.t)
    until_s = history.watched_until_s if next_t is None else next_t
    runs = [*entry.before(lost.began.t), *entry.between(lost.began.t, until_s)]
    bad = crowded(entry, runs, tolerance_s, CATCH_UP)
    if strict:
        bad = bad or crowded(entry, punctual(entry, runs, tolerance_s), tolerance_s)
    if bad is not None:
        return bad
    after = entry.between(lost.ended.t, until_s)
    going = _going_on(after, entry.every_s + tolerance_s, until_s)
    evidence = (lost.ended.line, *(o.line for o in after))
    due_t = lost.ended.t + bounds["returns_s"] + entry.every_s
    if (going[0].t if going else until_s) > due_t:
        return violated(
            f"{entry.name} did not come back after {lost.what}.",
            expected=f"a run every {entry.every_s:g} s, before {due_t:.2f} s",
            observed=_told(after, until_s),
            evidence=evidence,
            timed=True,
        )
    seen_t = going[0].t + SLOTS * entry.every_s if going else due_t
    if len(going) <= SLOTS or until_s < seen_t:
        return inconclusive(
            f"{entry.name} was not watched for long enough after {lost.what}.",
            expected=f"{SLOTS + 1} runs, every {entry.every_s:g} s",
            observed=_told(after, until_s),
            evidence=evidence,
            due_t=None if next_t else seen_t + (tolerance_s if going else 0.0),
        )
    if lost.relieved and not entry.between(lost.began.t + tolerance_s, lost.ended.t):
        return inconclusive(
            f"Nobody else sent {entry.name} while its scheduler was frozen.",
            expected="its lock runs out, and another one leads",
            observed=f"no run until {lost.ended.t:.2f} s",
            evidence=(lost.began.line, lost.ended.line),
        )
    took_s = going[0].t - lost.ended.t
    return holds(
        f"{entry.name} ran {took_s:.2f} s after {lost.what}, then every "
        f"{entry.every_s:g} s.",
        evidence=evidence,
        measured={"returns_s": max(0.0, took_s - entry.every_s)},
    )


def _going_on(
    runs: Sequence[Observation], gap_s: float, until_s: float
) -> list[Observation]:
    """Return the last of these runs that follow each other without a longer gap."""
    going: list[Observation] = []
    next_t = until_s
    for run in reversed(runs):
        if next_t - run.t > gap_s:
            break
        going.insert(0, run)
        next_t = run.t
    return going


def _told(runs: Sequence[Observation], until_s: float) -> str:
    at = ", ".join(f"{o.t:.2f}" for o in runs[: SLOTS + 1])
    ran = f"{len(runs)} runs, at {at} s" if runs else "no run"
    return f"{ran}, until {until_s:.2f} s"
