"""A client that fetches the result the moment it hears of the ending."""

import pytest


@pytest.mark.contract("result.ready-when-announced", "terminal.exactly-one")
def test_every_announced_result_is_there_to_fetch(driver, history):
    jobs = [driver.submit("compare", seed=seed) for seed in range(8)]
    for job in jobs:
        driver.subscribe(job)
    for job in jobs:
        history.settle(job, within_s=40)
