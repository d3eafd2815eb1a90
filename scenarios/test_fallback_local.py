"""The API runs jobs itself while the broker is away, in place of the worker."""

import pytest


@pytest.mark.contract("fallback.ambiguous-publish-runs-once")
def test_a_publish_that_failed_and_yet_arrived_is_executed_once(
    rollout, driver, faults, history
):
    """Once the API is first, all of Redis frozen; once a worker is, the answer lost."""
    rollout.run_locally()
    history.settle(driver.submit("compare"), within_s=20)  # a warm connection
    with faults.pause("redis"):
        job = driver.submit("compare")
        history.until(job, "journal.start", within_s=60)
    history.until(job, "ledger.start", within_s=20)
    history.settle(job, within_s=20)
    history.settle(driver.submit("compare"), within_s=20)
    with faults.no_answers("api"):
        job = driver.submit("compare")
    history.settle(job, within_s=20)
