"""Every task the application has, sent the way the application sends it."""

import pytest


@pytest.mark.contract("routing.every-task-has-a-worker")
def test_each_task_of_the_application_finds_a_worker(agent, history):
    """Knocked at: a worker starts the task, and its function is not reached."""
    for job in [agent.knock(task) for task in agent.tasks()]:
        history.settle(job, within_s=10)
