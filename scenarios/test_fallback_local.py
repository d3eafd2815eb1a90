"""The API runs jobs itself while the broker is away, in place of the worker."""

import pytest

from scenarios import kinds


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


def submitted(kind, driver, history):
    """Submit a job and wait until a function has begun, whoever's that is."""
    since_t = history.now()
    job = driver.submit(kind)
    driver.subscribe(job)
    history.until(None, "journal.start", where=lambda o: o.t >= since_t, within_s=75)
    return job


def one_returns_one_is_limited_one_is_cancelled(driver, history, short, endless):
    history.settle(submitted(short, driver, history), within_s=10)
    history.settle(submitted(endless, driver, history), within_s=10)
    unwanted = submitted(endless, driver, history)
    history.until(unwanted, event="progress", within_s=5)
    driver.cancel(unwanted)
    history.settle(unwanted, within_s=10)


@pytest.mark.contract(
    "fallback.same-to-the-user",
    "terminal.exactly-one",
    "terminal.every-exit",
    "progress.never-goes-back",
    "result.ready-when-announced",
)
@kinds.both
def test_a_job_is_to_its_user_the_same_without_a_broker(
    rollout, driver, faults, history, short, endless
):
    rollout.run_locally()
    one_returns_one_is_limited_one_is_cancelled(driver, history, short, endless)
    with faults.pause("redis"):
        one_returns_one_is_limited_one_is_cancelled(driver, history, short, endless)


@pytest.mark.contract("fallback.is-bounded")
def test_few_jobs_at_a_time_kept_over_a_deployment_until_the_broker_is_back(
    rollout, driver, faults, history
):
    rollout.run_locally(kinds.PATIENT)
    driver.wait_for_state(driver.submit("compare"))
    with faults.refuse("api"):
        running = driver.submit("compare", num_samples=256)
        jobs = [running, driver.submit("compare")]
        history.until(running, "journal.mark", within_s=100)
        with faults.pause_child(running):  # it outlasts the time it is given
            rollout.leave()
        jobs.append(driver.submit("compare"))
    for job in jobs:
        driver.wait_for_state(job, within_s=100)
    for _ in range(2):
        driver.wait_for_state(driver.submit("compare"), within_s=30)
