"""What clients are told of a job: by its status, by its events, by its record."""

import contextlib
import uuid

import pytest

from harness import Driver, NotApplicable


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


@pytest.mark.contract("result.states-are-told-apart", "result.views-agree")
def test_every_state_of_a_job_has_an_answer_of_its_own(driver, probes, history):
    """Nobody submitted the first; one runs, two wait, and one is cancelled."""
    driver.status(str(uuid.uuid4()))
    running = driver.submit("long_compare")
    driver.subscribe(running)
    history.until(running, event="progress", within_s=20)
    completes, fails, cancelled = (
        driver.submit("compare", prompt=prompt)
        for prompt in ("The storm", "the whale " * 100, "The sea")
    )
    jobs = (running, completes, fails, cancelled)
    for job in jobs[1:]:
        driver.subscribe(job)
    for job in jobs:
        driver.status(job)
    driver.cancel(cancelled)
    driver.cancel(running)
    for job in reversed(jobs):
        history.settle(job, within_s=20)
        driver.wait_for_state(job, within_s=12)
        probes.row(job)
    for job in jobs:
        driver.status(job)


@pytest.mark.contract("result.views-agree")
def test_a_result_that_was_shown_stays_though_its_process_dies(
    driver, faults, probes, history
):
    """The result is stored, its announcement is held back, and the child is killed."""
    job = driver.submit("compare", num_samples=64)
    driver.subscribe(job)
    history.until(job, event="progress", within_s=20)
    with faults.pause_writes():
        driver.wait_for_state(job, "completed", within_s=20)
        faults.kill_child(job)
    # The worker's main process has heard of it, and has said what it has to say.
    history.until(job, "ledger.end", where=lambda end: end.get("role") == "parent")
    history.settle(job, within_s=14)
    driver.status(job)
    probes.row(job)


@pytest.mark.contract("result.states-are-told-apart")
def test_a_job_whose_result_has_expired_is_not_an_unknown_one(
    driver, target, stack, history
):
    """A second API, for which results expire at once, stands for a month of waiting."""
    if not target.api.expire:
        raise NotApplicable("nobody says how its results can expire: [api] expire")
    job = driver.submit("compare")
    driver.wait_for_state(job)
    with (
        stack.replica("api", target.api.expire) as month_later,
        contextlib.closing(Driver(target, month_later.api, history)) as client,
    ):
        history.situation("result.expired", job)
        client.status(job)
        client.status(str(uuid.uuid4()))
