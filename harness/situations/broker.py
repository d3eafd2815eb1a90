"""Redis restarts, and nobody touches the worker."""

from harness.agent import Agent
from harness.faults import Faults
from harness.history import History
from harness.situations import situation
from harness.target import Target


@situation("broker.consumes-again", takes_s=15)
def busy_worker(agent: Agent, target: Target, faults: Faults, history: History) -> None:
    """Restart Redis once while a task runs, then send another."""
    queue = target.queues[0]
    running = agent.probe("sleep", seconds=2, queue=queue)
    history.until(running, "ledger.start", within_s=20)
    faults.redis_restart()
    history.settle(running, within_s=10)
    history.settle(agent.probe("sleep", queue=queue), within_s=15)


@situation("broker.consumes-again")
def restarts_in_a_row(
    agent: Agent, target: Target, faults: Faults, history: History
) -> None:
    """Restart Redis three times; twice the worker has connected again just now."""
    for _ in range(3):
        faults.redis_restart()
        history.settle(agent.probe("sleep", queue=target.queues[0]), within_s=15)
