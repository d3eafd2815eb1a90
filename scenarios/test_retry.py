"""What a job needs is away for a while: it is tried again, later and later."""

import contextlib

import pytest

from harness import situations

KIND = "train"


@pytest.fixture
def without_file(agent, driver, target, faults, history):
    """Return what submits jobs, and lets them start when the file they read is away."""
    driver.wait_for_state(driver.submit("seed"), "completed")

    @contextlib.contextmanager
    def submitted(count):
        # The API refuses a job whose file is away: it goes between submit and start.
        running = agent.probe("hold", queue=target.queues[0], seconds=60)
        history.until(running, "ledger.start")
        jobs = [driver.submit(KIND) for _ in range(count)]
        with faults.missing(target.job(KIND).reads):
            agent.release(running)
            yield jobs

    return submitted


@pytest.mark.contract(
    "retry.transient-errors-are-retried", "retry.permanent-errors-are-not-retried"
)
def test_two_jobs_whose_file_stays_away_are_tried_as_often_as_declared(
    driver, without_file
):
    with without_file(2) as jobs:
        for job in jobs:
            driver.wait_for_state(job, within_s=20)


@pytest.mark.contract("retry.transient-errors-are-retried", "retry.long-wait-runs-once")
def test_a_job_whose_file_is_back_in_time_completes(
    driver, probes, history, without_file
):
    with without_file(1) as (job,):
        history.until(job, "journal.end")
        probes.held(job)
        history.until(job, "journal.end", where=lambda end: end["attempt"] == 3)
    driver.wait_for_state(job, within_s=60)  # a training, 5 s where nobody else works


@pytest.mark.contract("retry.permanent-errors-are-not-retried")
def test_a_lost_process_gives_no_more_tries_and_a_cancel_no_other(
    driver, faults, history, without_file
):
    """One job is cancelled between two tries, another one loses its process."""
    with without_file(2) as (waiting, unlucky):
        history.until(waiting, "journal.end")
        driver.wait_for_state(waiting, "pending")
        driver.cancel(waiting)
        history.until(unlucky, "journal.start", where=lambda s: s["attempt"] == 3)
        faults.kill_child(unlucky)
        driver.wait_for_state(unlucky, within_s=20)
        driver.status(waiting)


@pytest.mark.contract("retry.long-wait-runs-once")
def test_a_message_that_waits_for_its_time_is_executed_once(
    agent, target, stack, faults, probes, history
):
    situations.retry_long_wait.waits_for_its_time(
        agent, target, stack, faults, probes, history
    )
