"""A deployment: the worker is asked to leave while there is work."""

from harness.agent import Agent
from harness.faults import Faults
from harness.history import History
from harness.occupied import room
from harness.situations import situation
from harness.target import Target


@situation("shutdown.loses-no-job", takes_s=7)
def asked_to_leave(
    agent: Agent, target: Target, faults: Faults, history: History
) -> None:
    """Send the worker SIGTERM while all it can run runs, and another task waits."""
    queue = target.queues[0]
    slots = room(agent).slots
    running = [agent.probe("sleep", seconds=2.5, queue=queue) for _ in range(slots)]
    for job in running:
        history.until(job, "ledger.start", within_s=20)
    waiting = agent.probe("sleep", queue=queue)
    faults.terminate("worker")
    for job in running:
        history.settle(job, within_s=10)
    history.settle(waiting, within_s=30)
