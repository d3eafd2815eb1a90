"""A client that fetches the result the moment it hears of the ending."""

import pytest


@pytest.mark.contract("result.ready-when-announced", "terminal.exactly-one")
def test_every_announced_result_is_there_to_fetch(driver, history):
    # Many samples: the metrics, and so the way from the text to the stored result, take
    # long enough to tell an ending that comes too early.
    jobs = [driver.submit("compare", seed=seed, num_samples=48) for seed in range(4)]
    for job in jobs:
        driver.subscribe(job)
        driver.status(job)  # a page asks from the beginning
    for job in jobs:
        history.settle(job, within_s=40)
