"""Every task the application has, sent the way the application sends it."""

import pytest

from harness import situations


@pytest.mark.contract("routing.every-task-has-a-worker")
def test_each_task_of_the_application_finds_a_worker(agent, history):
    """Knocked at: a worker starts the task, and its function is not reached."""
    situations.routing.knock_at_every_task(agent, history)
