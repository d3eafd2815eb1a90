"""What several people watching one job see while it works."""

import pytest

from scenarios import kinds


@pytest.mark.contract("progress.never-goes-back", "terminal.exactly-one")
@kinds.short
def test_three_people_watch_one_job_and_nobody_sees_it_go_back(driver, history, short):
    job = driver.submit(short, **kinds.LONGER[short])
    for name in ("anna", "ben", "clara"):
        driver.subscribe(job, name=name)
    history.settle(job, within_s=30)


@pytest.mark.contract(
    "progress.never-goes-back",
    "progress.attempts-are-told-apart",
    "terminal.exactly-one",
)
@kinds.endless
def test_a_failing_job_does_not_fall_back_to_zero(driver, faults, history, endless):
    """Its child is killed, its second attempt runs into the soft limit."""
    job = driver.submit(endless)
    driver.subscribe(job)
    history.until(
        job, event="progress", where=lambda e: e["percent"] >= 25, within_s=20
    )
    faults.kill_child(job)
    history.settle(job, within_s=20)


@pytest.mark.contract("progress.never-goes-back", "result.ready-when-announced")
def test_a_sweep_reports_its_way_through_all_strengths(driver, history):
    job = driver.submit("sweep")
    driver.subscribe(job)
    history.settle(job, within_s=30)


@pytest.mark.contract("progress.attempts-are-told-apart")
@kinds.queued
def test_a_message_that_is_delivered_twice_is_told_as_one_attempt(
    driver, faults, history, short, queue
):
    running = driver.submit("long_compare")
    history.until(running, "ledger.start", within_s=20)
    job = driver.submit(short)
    driver.subscribe(job)
    faults.second_delivery(queue, job=job)
    driver.cancel(running)
    first = history.until(job, "ledger.start", within_s=20)
    history.until(job, "ledger.start", where=lambda o: o.line > first.line, within_s=20)
    history.settle(job, within_s=20)


@pytest.mark.contract("progress.attempts-are-told-apart", "progress.never-goes-back")
def test_an_attempt_that_was_given_up_and_wakes_is_heard_no_more(
    driver, faults, history
):
    """Its worker was frozen for so long that another one has taken the job."""

    def progress_of(attempt, percent):
        history.until(
            job,
            event="progress",
            where=lambda e: e["attempt"] == attempt and e["percent"] >= percent,
            within_s=20,
        )

    with faults.replica("worker") as other:
        with faults.pause(other.name):
            job = driver.submit("sweep", num_samples=256, max_new_tokens=100)
            driver.subscribe(job)
            progress_of(1, percent=0)
        with faults.pause("worker"):
            progress_of(2, percent=0)
        progress_of(2, percent=25)
        driver.cancel(job)
        history.settle(job, within_s=20)


@pytest.mark.contract(
    "progress.lost-transport-does-not-stop-the-job",
    "terminal.exactly-one",
    "terminal.every-exit",
)
def test_a_job_goes_on_while_redis_is_frozen(driver, faults, history):
    """Nobody refuses a connection, and nobody answers on one.

    How long the job takes in health is seen before and after.
    """
    for frozen in (False, True, False):
        job = driver.submit("sweep", num_samples=64)
        driver.subscribe(job)
        history.until(job, event="progress", within_s=20)
        if frozen:
            with faults.pause("redis"):
                history.settle(job, within_s=5)
        history.settle(job, within_s=15)
