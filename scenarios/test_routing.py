"""Every task the application has, and messages that are no task of its own."""

import pytest

from harness import situations


@pytest.mark.contract("routing.every-task-has-a-worker")
def test_each_task_of_the_application_finds_a_worker(agent, history):
    """Knocked at: a worker starts the task, and its function is not reached."""
    situations.routing.knock_at_every_task(agent, history)


@pytest.mark.contract("routing.unknown-message-does-not-stop")
def test_messages_of_another_release_end_and_the_next_job_starts(
    agent, target, faults, history
):
    situations.routing.messages_of_another_release(agent, target, faults, history)


@pytest.mark.contract("routing.unknown-message-does-not-stop")
def test_bytes_that_are_no_message_do_not_stop_the_next_job(
    agent, target, faults, history
):
    situations.routing.bytes_that_are_no_message(agent, target, faults, history)
