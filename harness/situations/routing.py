"""Every task the application has, and messages that are no task of its own."""

from harness.agent import Agent
from harness.faults import Faults
from harness.history import History
from harness.situations import situation
from harness.target import Target


@situation("routing.every-task-has-a-worker", takes_s=0.1)
def knock_at_every_task(agent: Agent, history: History) -> None:
    """Send each task by its own route, such that its function is not reached."""
    for job in [agent.knock(task) for task in agent.tasks()]:
        history.settle(job, within_s=10)


@situation("routing.unknown-message-does-not-stop", takes_s=0.2)
def messages_of_another_release(
    agent: Agent, target: Target, faults: Faults, history: History
) -> None:
    """Plant a task that nobody has, then a call with an argument that is not taken."""
    queue = target.queues[0]
    faults.unknown_task(queue)
    _next(agent, queue, history)
    faults.older_signature(queue, "queueproof.sleep", kwargs={"of_last_year": True})
    _next(agent, queue, history)


@situation("routing.unknown-message-does-not-stop", takes_s=6)
def bytes_that_are_no_message(
    agent: Agent, target: Target, faults: Faults, history: History
) -> None:
    """Plant bytes that nobody can read."""
    queue = target.queues[0]
    faults.garbage(queue)
    _next(agent, queue, history)


def _next(agent: Agent, queue: str, history: History) -> None:
    """Send the job that comes after the damage, and let it finish."""
    history.settle(agent.probe("sleep", queue=queue), within_s=60)
