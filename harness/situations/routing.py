"""Every task the application has, sent the way the application sends it."""

from harness.agent import Agent
from harness.history import History
from harness.situations import situation


@situation("routing.every-task-has-a-worker", takes_s=0.1)
def knock_at_every_task(agent: Agent, history: History) -> None:
    """Send each task by its own route, such that its function is not reached."""
    for job in [agent.knock(task) for task in agent.tasks()]:
        history.settle(job, within_s=10)
