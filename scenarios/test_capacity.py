"""A queue with work waiting: how long the worker idles between two jobs."""

import pytest


@pytest.mark.contract("capacity.next-job-starts-promptly")
def test_a_recycling_worker_starts_the_next_job_at_once(driver, history):
    jobs = [driver.submit("compare", seed=seed) for seed in range(5)]
    for job in jobs:
        driver.subscribe(job)
    for job in jobs:
        history.settle(job, within_s=60)
