"""The ways in which a probe task ends, and how each is brought about."""

from dataclasses import dataclass

from harness.agent import Agent
from harness.faults import Faults
from harness.occupied import HOLD_S

#: Seconds from a task's start to its limits; 512 MiB are taken in 0.5, where the
#: machine is busy in 2.
SOFT_S, HARD_S = 3.0, 4.0


@dataclass(frozen=True)
class Ending:
    """One way to end: the task's own, and its limits in seconds."""

    name: str
    ends: str = "returns"
    soft_s: float | None = None
    hard_s: float | None = None


SUCCESS = Ending("success")
FAILURE = Ending("failure", ends="raises")
SOFT_LIMIT = Ending("soft_limit", soft_s=SOFT_S, hard_s=HOLD_S)
HARD_LIMIT = Ending("hard_limit", ends="swallows", soft_s=SOFT_S, hard_s=HARD_S)
CANCEL = Ending("cancel")
SIGKILL = Ending("sigkill")

#: Each once.
ENDINGS = (SUCCESS, CANCEL, FAILURE, HARD_LIMIT, SOFT_LIMIT, SIGKILL)


def end(ending: Ending, job: str, agent: Agent, faults: Faults) -> None:
    """Let the running task end like this; a limit comes by itself."""
    if ending in (SUCCESS, FAILURE):
        agent.release(job)
    elif ending is CANCEL:
        agent.revoke(job, terminate=True)
    elif ending is SIGKILL:
        faults.kill_child(job)
        # Should its message come back, the second execution does nothing.
        agent.release(job)
