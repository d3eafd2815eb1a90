"""A deployment: the worker is asked to leave while there is work."""

import pytest


@pytest.mark.contract("shutdown.loses-no-job")
def test_a_worker_asked_to_leave_finishes_its_task_and_leaves_the_rest(
    agent, target, faults, history
):
    running = agent.probe("sleep", seconds=1.5, queue=target.queues[0])
    history.until(running, "ledger.start", within_s=20)
    waiting = agent.probe("sleep", queue=target.queues[0])
    faults.terminate("worker")
    history.settle(running, within_s=10)
    history.settle(waiting, within_s=30)
