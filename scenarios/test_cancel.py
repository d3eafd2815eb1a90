"""A user changes their mind: before the job starts, while it runs, when it is over."""

import uuid

import pytest

from harness import situations
from scenarios import kinds

ends_once = pytest.mark.contract("terminal.exactly-one", "terminal.every-exit")


def a_job_that_runs(driver, history, kind="long_compare"):
    job = driver.submit(kind)
    driver.subscribe(job)
    history.until(job, event="progress", within_s=20)
    return job


def a_later_job_is_done(driver, history):
    later = driver.submit("compare")
    history.until(later, "start", within_s=60)
    driver.wait_for_state(later)


@ends_once
@kinds.both
def test_a_job_cancelled_while_queued_ends_cancelled(driver, history, short, endless):
    running = a_job_that_runs(driver, history, endless)
    queued = driver.submit(short)
    driver.subscribe(queued)
    history.situation("exit.cancel_queued", queued)
    driver.cancel(queued)
    history.settle(queued, within_s=20)
    driver.cancel(running)
    history.settle(running, within_s=20)


@ends_once
@pytest.mark.contract("cancel.running-stops")
@kinds.endless
def test_a_job_cancelled_while_running_ends_cancelled(driver, history, endless):
    job = a_job_that_runs(driver, history, endless)
    history.situation("exit.cancel_running", job)
    driver.cancel(job)
    history.settle(job, within_s=20)


@ends_once
@pytest.mark.feature("S0-10")
@pytest.mark.contract("cancel.deaf-job-is-killed", "cancel.is-final")
def test_a_frozen_job_is_cancelled_by_force(driver, faults, history):
    """A child that hears neither a flag nor SIGTERM: only SIGKILL ends it."""
    job = a_job_that_runs(driver, history)
    history.situation("exit.cancel_frozen", job)
    with faults.pause_child(job):
        driver.cancel(job)
        driver.wait_for_state(job)
        history.settle(job, within_s=20)
    a_later_job_is_done(driver, history)


@ends_once
@pytest.mark.feature("S0-09")
@pytest.mark.contract("cancel.queued-never-starts", "cancel.is-final")
def test_a_job_cancelled_while_queued_never_starts_though_the_worker_restarts(
    agent, target, stack, faults, history
):
    """A running one is cancelled while the worker is about to leave."""
    situations.cancel_queued.cancelled_before_a_restart(
        agent, target, stack, faults, history
    )


@pytest.mark.contract("cancel.is-final")
def test_jobs_cancelled_while_no_worker_is_up_stay_cancelled(
    driver, target, faults, history
):
    """One ran when its worker was killed; one waited, and is delivered twice."""
    running = a_job_that_runs(driver, history)
    waiting = driver.submit("compare")
    faults.kill_main("worker")
    driver.cancel(running)
    driver.cancel(waiting)
    faults.second_delivery(target.queues[0], job=waiting)
    a_later_job_is_done(driver, history)
    driver.wait_for_state(running)
    driver.status(waiting)


@pytest.mark.contract("cancel.is-final")
def test_a_job_cancelled_while_it_waits_for_another_attempt_is_not_tried_again(
    driver, faults, history
):
    """Its process was killed, and another job has taken its place meanwhile."""
    job = a_job_that_runs(driver, history)
    ahead = driver.submit("long_compare")
    faults.kill_child(job)
    driver.wait_for_state(job, "pending")
    driver.cancel(job)
    driver.cancel(ahead)
    a_later_job_is_done(driver, history)
    driver.status(job)


@ends_once
@pytest.mark.contract("cancel.hits-only-its-job")
def test_a_cancel_hits_the_job_it_names_and_no_other(driver, history):
    """Those behind the cancelled one follow in its place, at once."""
    nobody = str(uuid.uuid4())
    driver.cancel(nobody)
    job = a_job_that_runs(driver, history)
    behind = [driver.submit("compare", seed=seed) for seed in range(4)]
    driver.cancel(job)
    for each in behind:
        driver.wait_for_state(each)
    driver.cancel(behind[0])
    driver.status(behind[0])


@pytest.mark.contract("cancel.hits-only-its-job")
def test_cancels_at_the_instant_of_completion_change_no_other_job(driver, history):
    """Every second job of a row is cancelled, just before or just after it returns."""
    row = [driver.submit("compare", seed=seed) for seed in range(12)]
    for job in row[2::4]:
        driver.subscribe(job)
    for before, after in zip(row[2::4], row[::4], strict=True):
        history.until(after, "end", within_s=30)
        driver.cancel(after)
        history.until(before, within_s=30, where=is_about_to_return)
        driver.cancel(before)
    for job in row:
        driver.wait_for_state(job)


def is_about_to_return(event):
    return (event.get("percent") or 0) >= 95
