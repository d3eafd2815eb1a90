"""A deployment: the worker is asked to leave while there is work."""

import pytest

from harness import situations


@pytest.mark.contract("shutdown.loses-no-job")
def test_a_worker_asked_to_leave_finishes_its_task_and_leaves_the_rest(
    agent, target, faults, history
):
    situations.shutdown.asked_to_leave(agent, target, faults, history)
