"""A queue with work waiting: how long the worker idles between two jobs."""

import pytest


@pytest.mark.contract("capacity.next-job-starts-promptly")
def test_a_recycling_worker_starts_the_next_job_at_once(driver, history):
    jobs = [driver.submit("compare", seed=seed) for seed in range(5)]
    for job in jobs:
        driver.subscribe(job)
    for job in jobs:
        history.settle(job, within_s=60)


@pytest.mark.contract("capacity.next-job-starts-promptly")
def test_a_process_left_behind_by_a_job_does_not_hold_up_the_next(
    agent, target, history
):
    """It keeps the pipe open by which the worker would learn of the job's end."""
    sent = [
        agent.probe("leave_behind", seconds=0.3, outlive_s=15, queue=target.queues[0])
        for _ in range(4)
    ]
    for task in sent:
        history.settle(task, within_s=30)
