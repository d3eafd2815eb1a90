"""Tasks that exceed their limits on the worker as it is deployed."""

from harness.agent import Agent
from harness.history import History
from harness.situations import situation
from harness.target import Target


@situation("time_limit.deployed-pool-enforces", takes_s=1)
def only_sleeps(agent: Agent, target: Target, history: History) -> None:
    """Let a task sleep past both limits; it hears every signal."""
    queue = target.queues[0]
    task = agent.probe("sleep", seconds=6, soft_s=1, hard_s=2, queue=queue)
    history.settle(task, within_s=20)


@situation("time_limit.deployed-pool-enforces", takes_s=2)
def swallows_its_soft_limit(agent: Agent, target: Target, history: History) -> None:
    """Let a task swallow its soft limit: only the hard one can end it."""
    queue = target.queues[0]
    task = agent.probe("swallow", seconds=6, soft_s=1, hard_s=2, queue=queue)
    history.settle(task, within_s=20)
