"""However a job ends, its user sees one ending: the exits a process can take."""

import pytest

from scenarios import kinds

pytestmark = pytest.mark.contract(
    "terminal.exactly-one", "terminal.every-exit", "result.ready-when-announced"
)


def test_a_job_whose_result_is_stored_is_announced_though_its_child_dies(
    driver, faults, history
):
    """SIGKILL between row and event: Redis takes no writes when the child announces."""
    job = driver.submit("compare", num_samples=64)
    driver.subscribe(job)
    history.until(job, event="progress", within_s=20)
    history.situation("exit.killed_between_row_and_event", job)
    with faults.pause_writes():
        driver.wait_for_state(job, "completed", within_s=20)
        faults.kill_child(job)
    history.settle(job, within_s=14)


@kinds.short
def test_a_job_that_returns_ends_completed(driver, history, short):
    job = driver.submit(short)
    driver.subscribe(job)
    history.situation("exit.returned", job)
    history.settle(job, within_s=20)


@pytest.mark.contract("retry.permanent-errors-are-not-retried")
@pytest.mark.parametrize(
    ("kind", "wrong"),
    [("compare", {"prompt": "the whale " * 100}), ("failing_agent", {})],
    ids=["compare", "agent"],
)
def test_a_job_that_raises_ends_failed(driver, history, kind, wrong):
    """The prompt fits the schema but not the model's context: only the job can tell."""
    job = driver.submit(kind, **wrong)
    driver.subscribe(job)
    history.situation("exit.raised", job)
    history.settle(job, within_s=20)


@kinds.endless
def test_a_job_whose_child_is_killed_ends_failed(driver, faults, history, endless):
    job = driver.submit(endless)
    driver.subscribe(job)
    history.until(job, event="progress", within_s=20)
    history.situation("exit.child_killed", job)
    faults.kill_child(job)
    history.settle(job, within_s=20)


@pytest.mark.feature("S1-11")
@kinds.endless
def test_a_job_whose_worker_is_killed_ends_failed(driver, faults, history, endless):
    job = driver.submit(endless)
    driver.subscribe(job)
    history.until(job, event="progress", within_s=20)
    history.situation("exit.worker_killed", job)
    faults.kill_main("worker")
    history.settle(job, within_s=30)
