"""Jobs that hold memory and end in every way there is, one after the other."""

from collections.abc import Sequence
from typing import Any

from harness.agent import Agent
from harness.contract import find_contract
from harness.errors import NeverHappened, TooSlow
from harness.faults import Faults
from harness.history import History
from harness.memory_view import HELD, Look, at_rest_mib, looks
from harness.occupied import HOLD_S, hold, room
from harness.probes import Probes
from harness.situations import situation
from harness.target import Target
from harness.task_endings import (
    CANCEL,
    ENDINGS,
    FAILURE,
    HARD_S,
    SIGKILL,
    SUCCESS,
    Ending,
    end,
)
from harness.wait import pause, wait_until

AFTER_A_JOB = "memory.given-back-after-a-job"
AFTER_A_KILL = "memory.given-back-after-a-kill"

__all__ = ["CANCEL", "ENDINGS", "FAILURE", "SIGKILL", "SUCCESS", "alternating"]

#: MiB that a job holds where nobody says more: twice what may be kept.
MIB = 128

#: Seconds between two looks; one costs 0.02 s of processor time per process.
LOOK_EVERY_S = 0.1

#: Looks, steady or not, until there are enough of the worker at rest.
LOOKS_UNTIL_REST = 50

#: Seconds past the bound, because "until" is not "after".
MARGIN_S = 0.3


@situation(AFTER_A_JOB, AFTER_A_KILL, takes_s=14, asked=True)
def every_ending(
    agent: Agent, target: Target, faults: Faults, probes: Probes, history: History
) -> None:
    """Let tasks hold memory and end: well, badly, at both limits, cancelled, killed."""
    alternating(agent, target, faults, probes, history, mib=MIB, endings=ENDINGS)


def alternating(
    agent: Agent,
    target: Target,
    faults: Faults,
    probes: Probes,
    history: History,
    *,
    mib: int,
    endings: Sequence[Ending],
) -> None:
    """Let one task per ending hold `mib` MiB; stop at the first that keeps them.

    Behind each another task waits. All slots but one are taken, so that it can start
    only in the place of the one before.
    """
    queue = target.queues[0]
    others = [hold(agent, history, queue) for _ in range(room(agent).slots - 1)]
    holding = _Holding(agent, queue, faults, probes, history, target.device)
    try:
        limit_mib = holding.at_rest_mib() + _bound(history, "slack_mib")
        for ending in endings:
            if not holding.gives_back(ending, mib, limit_mib):
                break
    finally:
        for job in [*others, *holding.sent]:
            agent.release(job)


class _Holding:
    """The tasks of one test that hold memory; `sent` has their ids."""

    def __init__(
        self,
        agent: Agent,
        queue: str,
        faults: Faults,
        probes: Probes,
        history: History,
        device: str,
    ) -> None:
        self._agent, self._queue, self._faults = agent, queue, faults
        self._probes, self._history, self._device = probes, history, device
        self.sent: list[str] = []

    def at_rest_mib(self) -> float:
        """Return what the worker holds beside a task that holds nothing.

        It is not the first one, and all slots are taken: no process comes or goes.
        """
        self._history.settle(self._agent.probe("sleep", queue=self._queue), within_s=20)
        beside = hold(self._agent, self._history, self._queue)
        for _ in range(LOOKS_UNTIL_REST):
            pause(LOOK_EVERY_S)
            self._look()
            rest_mib = at_rest_mib(self._history)
            if rest_mib is not None:
                self._let_go(beside)
                return rest_mib
        raise NeverHappened(
            f"The worker's processes came and went during {LOOKS_UNTIL_REST} looks at "
            "them. Does it start some of its own, one after the other?"
        )

    def gives_back(self, ending: Ending, mib: int, limit_mib: float) -> bool:
        """Let one task hold and end; return whether its memory came back in time."""
        history = self._history
        job = self._send(
            "hold_memory",
            *(ending.soft_s, ending.hard_s),
            mib=mib,
            ends=ending.ends,
            on=self._device,
        )
        history.situation(f"memory.{ending.name}", job)
        history.record("harness", "holds", job, mib=mib)
        history.until(
            job, "ledger.mark", within_s=20, where=lambda o: o.get("name") == HELD
        )
        self._look()
        behind = self._send("hold")
        end(ending, job, self._agent, self._faults)
        history.settle(job, within_s=HARD_S + 10)

        def given_back() -> bool:
            history.look()
            began = bool(history.job(behind).runs)
            look = self._look()
            return began and look.steady and look.mib <= limit_mib

        within_s = _bound(history, "t_back_s") + MARGIN_S
        try:
            wait_until(
                given_back, within_s=within_s, every_s=LOOK_EVERY_S, what="it is back"
            )
        except TooSlow:
            return False
        self._let_go(behind)
        return True

    def _send(
        self,
        name: str,
        soft_s: float | None = None,
        hard_s: float | None = None,
        **arguments: Any,
    ) -> str:
        job = self._agent.probe(
            name,
            seconds=HOLD_S,
            soft_s=soft_s,
            hard_s=hard_s,
            queue=self._queue,
            **arguments,
        )
        self.sent.append(job)
        return job

    def _let_go(self, job: str) -> None:
        self._agent.release(job)
        self._history.settle(job, within_s=10)

    def _look(self) -> Look:
        self._probes.memory("worker")
        return looks(self._history)[-1]


def _bound(history: History, name: str) -> float:
    """Return what the laws of this run allow, the most of any."""
    bounds = history.run["bounds"]
    own = [bounds[id] for id in (AFTER_A_JOB, AFTER_A_KILL) if id in bounds]
    default = find_contract(AFTER_A_JOB).values()
    return max(float(values[name]) for values in own or [default])
