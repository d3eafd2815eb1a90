"""Beat's schedule: undisturbed, and with its schedulers and workers in trouble."""

from collections import Counter
from collections.abc import Callable, Iterable

from harness.agent import Agent
from harness.contracts import schedule_overlap, schedule_schedulers
from harness.contracts.schedule import NAME, SLOTS
from harness.errors import NotApplicable
from harness.faults import Faults
from harness.history import History
from harness.schedule_view import LONGEST_S, Entry, end_of, entries
from harness.situations import situation
from harness.target import Target

#: Seconds until each entry has run once, though beat has only just been started.
FIRST_WITHIN_S = 30.0

#: Seconds until another scheduler leads, or a worker does what it was given to do.
MET_WITHIN_S = 20.0

#: Periods without Redis, so that something would have been sent.
AWAY = 1.5

#: Runs after which it goes on as before; what was sent before may be the first of them.
BACK = 3

#: Periods that beat hangs before it is killed, so that runs are missed.
HANGS = 3


@situation("schedule.one-run-per-slot", takes_s=12)
def steady_state(agent: Agent, history: History) -> None:
    """Watch the entries that are due every few seconds for some of their slots."""
    longest_s = _running(agent, history)
    # What was sent while the worker started up runs at once, in no slot of its own.
    _watch(history, longest_s)
    history.situation(NAME)
    _watch(history, (SLOTS + 1) * longest_s)


@situation("schedule.two-schedulers-one-run", "schedule.survives-lost-lock", takes_s=20)
def two_schedulers(agent: Agent, faults: Faults, history: History) -> None:
    """Add a second beat, freeze the first past its lock, let the second leave.

    The first is frozen until the second leads, for a while at most.
    """
    longest_s = _running(agent, history)
    with faults.replica("beat"):
        _watch(history, (schedule_schedulers.SLOTS + 0.5) * longest_s)
        with faults.pause("beat"):
            _watch(history, longest_s)  # what was sent before runs now
            _until_each_ran(history)
        _watch(history, 2.5 * longest_s)


@situation("schedule.returns-after-a-kill", "schedule.survives-lost-lock", takes_s=18)
def hung_and_killed(agent: Agent, faults: Faults, history: History) -> None:
    """Take Redis away for a slot or two; later let beat hang for some, and kill it."""
    longest_s = _running(agent, history)
    _watch(history, longest_s / 2)  # no message is on its way
    with faults.redis_stop():
        _watch(history, AWAY * longest_s)
    _until_each_ran(history, times=BACK)
    with faults.pause("beat"):
        _watch(history, HANGS * longest_s)
        faults.kill_main("beat")


@situation("schedule.no-overlap", takes_s=12)
def workers_away(agent: Agent, faults: Faults, history: History) -> None:
    """Freeze the workers for some periods of the schedule, which goes on."""
    longest_s = _running(agent, history)
    _watch(history, longest_s / 2)  # no run is going on
    with faults.pause("worker"):
        _watch(history, (schedule_overlap.AWAY + 0.3) * longest_s)


@situation("schedule.no-overlap", takes_s=15)
def longer_than_its_period(
    agent: Agent, target: Target, faults: Faults, history: History
) -> None:
    """Give a run more to do than its period has time for, beside a free worker."""
    name = next(iter(target.schedule), None)
    if name is None:
        raise NotApplicable(
            "nothing is known that keeps a run of beat's busy for longer than its "
            "period: describe it in a table [schedule.<entry>]"
        )
    with faults.replica("worker"):
        _running(agent, history)
        with faults.litter(name):
            _watch(history, MET_WITHIN_S, until=lambda: _took_long(history, name))


def _running(agent: Agent, history: History) -> float:
    """Wait until each entry has run; return the longest period in seconds."""
    longest_s = _longest_s(agent)
    _until_each_ran(history, since_t=0.0, within_s=FIRST_WITHIN_S)
    return longest_s


def _until_each_ran(
    history: History,
    *,
    since_t: float | None = None,
    within_s: float = MET_WITHIN_S,
    times: int = 1,
) -> None:
    began_t = history.now() if since_t is None else since_t
    _watch(history, within_s, until=lambda: _all_ran(entries(history), began_t, times))


def _all_ran(known: Iterable[Entry], since_t: float, times: int) -> bool:
    ran = (sum(o.t >= since_t for o in entry.starts) for entry in known)
    return all(count >= times for count in ran)


def _took_long(history: History, name: str) -> bool:
    return any(
        end.t - start.t > 1.5 * entry.every_s
        for entry in entries(history)
        for start in entry.starts
        if entry.name == name and (end := end_of(history, start)) is not None
    )


def _watch(
    history: History, seconds: float, *, until: Callable[[], bool] | None = None
) -> None:
    """Watch so long, or until that is so."""
    until_t = history.now() + seconds
    while history.now() < until_t:
        if until is not None and until():
            return
        history.watch_on(until_t)


def _longest_s(agent: Agent) -> float:
    """Return the longest period of those entries whose runs can be counted."""
    known = agent.schedule().values()
    shared = Counter(entry["task"] for entry in known)
    periods = [
        entry["every_s"]
        for entry in known
        if entry["every_s"] is not None and entry["every_s"] <= LONGEST_S
        if shared[entry["task"]] == 1
    ]
    if not periods:
        raise NotApplicable(
            f"beat's schedule has {len(known)} entries, none of them due every "
            f"{LONGEST_S:g} s or more often with a task of its own"
        )
    return float(max(periods))
