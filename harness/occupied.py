"""All slots of the application's worker taken, so that what is sent next waits."""

from dataclasses import dataclass

from harness.agent import Agent
from harness.errors import NeverHappened, TooSlow
from harness.history import History
from harness.probe_worker import deployed
from harness.wait import wait_until

#: Seconds a slot is taken at most; what waits for it is seen in a few.
HOLD_S = 120.0


@dataclass(frozen=True)
class Room:
    """What the worker as started has room for.

    Args:
        slots: how many tasks it runs at once.
        messages: how many it takes from the broker at most; 0: all of them.
    """

    slots: int
    messages: int


def room(agent: Agent) -> Room:
    """Ask the worker; raises NeverHappened where none answers."""
    try:
        answers = wait_until(
            lambda: deployed(agent.inspect("stats") or {}),
            within_s=10,
            what="the worker tells how many tasks it runs",
        )
    except TooSlow as error:
        raise NeverHappened(str(error)) from error
    (stats, *_) = answers.values()
    return Room(int(stats["pool"]["max-concurrency"]), int(stats["prefetch_count"]))


def hold(agent: Agent, history: History, queue: str, *, late: bool = False) -> str:
    """Take one slot until the agent releases the task; return its id.

    `late` lets it acknowledge late whatever the application's default.
    """
    job = agent.probe(
        "hold_late" if late else "hold",
        seconds=HOLD_S,
        soft_s=HOLD_S + 5,
        hard_s=HOLD_S + 10,
        queue=queue,
    )
    history.until(job, "ledger.start", within_s=20)
    return job
