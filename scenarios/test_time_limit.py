"""Jobs that take too long, on the worker as it is deployed."""

import contextlib

import pytest

from harness import Driver, situations, wait_until
from scenarios import kinds


@pytest.mark.feature("S0-16")
@pytest.mark.contract(
    "time_limit.soft-limit-cleans-up",
    "time_limit.soft-limit-is-not-swallowed",
    "terminal.exactly-one",
    "terminal.every-exit",
    "retry.permanent-errors-are-not-retried",
)
@kinds.endless
def test_a_job_past_its_soft_limit_cleans_up_and_ends_failed(driver, history, endless):
    job = driver.submit(endless)
    driver.subscribe(job)
    history.situation("exit.soft_limit", job)
    history.settle(job, within_s=20)


@pytest.mark.feature("S0-16", "S0-17")
@pytest.mark.contract(
    "time_limit.hard-limit-kills", "terminal.exactly-one", "terminal.every-exit"
)
@kinds.both
def test_a_job_that_hears_nothing_is_killed_at_its_hard_limit(
    driver, faults, history, short, endless
):
    """A frozen child stands for one stuck in native code: no signal handler runs."""
    job = driver.submit(endless)
    driver.subscribe(job)
    history.until(job, event="progress", within_s=20)
    following = driver.submit(short)
    driver.subscribe(following)
    history.situation("exit.hard_limit", job)
    with faults.pause_child(job):
        history.settle(job, within_s=25)
    history.settle(following, within_s=20)


@pytest.mark.contract("time_limit.deployed-pool-enforces")
def test_the_worker_as_started_stops_a_task_that_only_sleeps(agent, target, history):
    situations.time_limit.only_sleeps(agent, target, history)


@pytest.mark.contract("time_limit.deployed-pool-enforces")
def test_the_worker_as_started_stops_a_task_that_swallows_its_soft_limit(
    agent, target, history
):
    situations.time_limit.swallows_its_soft_limit(agent, target, history)


@pytest.mark.contract("time_limit.native-code-is-killed")
def test_the_worker_as_started_kills_a_task_stuck_in_native_code(
    agent, target, history
):
    situations.time_limit.stuck_in_native_code(agent, target, history)


@pytest.mark.contract("time_limit.soft-limit-is-not-swallowed")
def test_a_sweep_past_its_soft_limit_is_no_success_and_no_more_work(driver, history):
    strengths = [number / 8 for number in range(-16, 16)]
    job = driver.submit(
        "sweep", num_samples=256, max_new_tokens=100, strengths=strengths
    )
    driver.subscribe(job)
    history.situation("exit.soft_limit", job)
    history.settle(job, within_s=20)


@pytest.mark.contract("time_limit.nothing-outlives-the-job")
def test_what_a_job_started_ends_with_it_at_a_limit_a_cancel_or_a_kill(
    agent, target, faults, probes, history
):
    situations.time_limit.ended_with_their_processes(
        agent, target, faults, probes, history
    )


@pytest.mark.contract(
    "time_limit.coroutine-cleans-up", "time_limit.nothing-outlives-the-job"
)
def test_a_coroutine_past_its_soft_limit_ends_its_program_and_spoils_no_other_job(
    stack, target, probes, history
):
    limits = {"GAN_SOFT_TIME_LIMIT": "2", "GAN_HARD_TIME_LIMIT": "6"}
    with (
        stack.replica("api", limits) as api,
        contextlib.closing(Driver(target, api.api, history)) as driver,
    ):
        history.settle(driver.submit("seed"), within_s=20)
        job = driver.submit("script")
        history.until(job, "journal.start", within_s=20)
        following = driver.submit("seed")
        wait_until(
            lambda: probes.watch_started(job), within_s=2, what="its program runs"
        )
        history.situation("exit.soft_limit", job)
        history.settle(job, within_s=20)
        history.settle(following, within_s=20)
