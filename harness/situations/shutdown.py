"""A deployment: the worker is asked to leave while there is work."""

from harness.agent import Agent
from harness.faults import Faults
from harness.history import History
from harness.situations import situation
from harness.target import Target


@situation("shutdown.loses-no-job", takes_s=6)
def asked_to_leave(
    agent: Agent, target: Target, faults: Faults, history: History
) -> None:
    """Send the worker SIGTERM while one task runs and another waits."""
    running = agent.probe("sleep", seconds=1.5, queue=target.queues[0])
    history.until(running, "ledger.start", within_s=20)
    waiting = agent.probe("sleep", queue=target.queues[0])
    faults.terminate("worker")
    history.settle(running, within_s=10)
    history.settle(waiting, within_s=30)
