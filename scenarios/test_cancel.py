"""A user changes their mind: before the job starts, and while it runs."""

import pytest

from harness import situations

pytestmark = pytest.mark.contract("terminal.exactly-one", "terminal.every-exit")


def test_a_job_cancelled_while_queued_ends_cancelled(driver, history):
    running = driver.submit("long_compare")
    driver.subscribe(running)
    history.until(running, event="progress", within_s=20)
    queued = driver.submit("compare")
    driver.subscribe(queued)
    history.situation("exit.cancel_queued", queued)
    driver.cancel(queued)
    history.settle(queued, within_s=20)
    driver.cancel(running)
    history.settle(running, within_s=20)


def test_a_job_cancelled_while_running_ends_cancelled(driver, history):
    job = driver.submit("long_compare")
    driver.subscribe(job)
    history.until(job, event="progress", within_s=20)
    history.situation("exit.cancel_running", job)
    driver.cancel(job)
    history.settle(job, within_s=20)


@pytest.mark.feature("S0-10")
def test_a_frozen_job_is_cancelled_by_force(driver, faults, history):
    """A child that hears neither a flag nor SIGTERM: only SIGKILL ends it."""
    job = driver.submit("long_compare")
    driver.subscribe(job)
    history.until(job, event="progress", within_s=20)
    history.situation("exit.cancel_frozen", job)
    with faults.pause_child(job):
        driver.cancel(job)
        history.settle(job, within_s=20)


@pytest.mark.feature("S0-09")
@pytest.mark.contract("cancel.queued-never-starts")
def test_a_job_cancelled_while_queued_never_starts_though_the_worker_restarts(
    agent, target, stack, faults, history
):
    situations.cancel_queued.cancelled_before_a_restart(
        agent, target, stack, faults, history
    )
