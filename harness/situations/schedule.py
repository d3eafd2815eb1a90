"""Beat's schedule in steady state: nothing is disturbed, the runs are counted."""

from collections import Counter
from collections.abc import Set

from harness.agent import Agent
from harness.contracts.schedule import LONGEST_S, NAME, SLOTS
from harness.errors import NotApplicable
from harness.history import History
from harness.situations import situation

#: Seconds until each entry has run once, though beat has only just been started.
FIRST_WITHIN_S = 30.0


@situation("schedule.one-run-per-slot", takes_s=12)
def steady_state(agent: Agent, history: History) -> None:
    """Watch the entries that are due every few seconds for some of their slots."""
    periods = _observable(agent)
    _watch(history, FIRST_WITHIN_S, until_started=periods.keys())
    # What was sent while the worker started up runs at once, in no slot of its own.
    _watch(history, max(periods.values()))
    history.situation(NAME)
    _watch(history, (SLOTS + 1) * max(periods.values()))


def _watch(
    history: History, seconds: float, *, until_started: Set[str] = frozenset()
) -> None:
    """Watch so long, or until each of these tasks has started, if any are named."""
    until_t = history.now() + seconds
    while history.now() < until_t:
        started = {o.get("task") for o in history.of(source="ledger", kind="start")}
        if until_started and started >= until_started:
            return
        history.watch_on(until_t)


def _observable(agent: Agent) -> dict[str, float]:
    """Return {task: seconds} of the entries whose runs can be counted."""
    entries = agent.schedule().values()
    shared = Counter(entry["task"] for entry in entries)
    periods = {
        entry["task"]: entry["every_s"]
        for entry in entries
        if entry["every_s"] is not None and entry["every_s"] <= LONGEST_S
        if shared[entry["task"]] == 1
    }
    if not periods:
        raise NotApplicable(
            f"beat's schedule has {len(entries)} entries, none of them due every "
            f"{LONGEST_S:g} s or more often with a task of its own"
        )
    return periods
