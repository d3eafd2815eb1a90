"""Many jobs while processes die and connections break, as chance will have it."""

import pytest

from harness import situations


@pytest.mark.contract("delivery.churn-loses-nothing", "terminal.exactly-one")
def test_many_jobs_while_the_worker_is_killed_and_cut_each_end_once(
    driver, faults, history, request
):
    """More of it: `make churn JOBS=1000 SEED=1`."""
    situations.churn.churn(
        *(driver, faults, history),
        jobs=request.config.option.churn_jobs,
        seed=request.config.option.churn_seed,
        num_samples=32,
    )
