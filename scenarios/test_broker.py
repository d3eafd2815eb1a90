"""Redis restarts, or the way to it breaks, and nobody touches the worker."""

import pytest

pytestmark = pytest.mark.contract("broker.consumes-again")


def a_task_runs(agent, target, history, *, seconds):
    task = agent.probe("sleep", seconds=seconds, queue=target.queues[0])
    history.until(task, "ledger.start", within_s=20)
    return task


def a_new_job_runs(driver, history):
    job = driver.submit("compare")
    driver.subscribe(job)
    history.settle(job, within_s=15)


def test_a_worker_consumes_again_after_three_restarts_at_once(driver, faults, history):
    for _ in range(3):
        faults.redis_restart()
    a_new_job_runs(driver, history)


def test_a_worker_consumes_again_after_three_restarts_in_a_row(driver, faults, history):
    """The second and third hit a worker that has connected again just now."""
    for _ in range(3):
        faults.redis_restart()
        a_new_job_runs(driver, history)


def test_a_busy_worker_survives_a_restart(agent, driver, target, faults, history):
    running = a_task_runs(agent, target, history, seconds=2)
    faults.redis_restart()
    history.settle(running, within_s=10)
    a_new_job_runs(driver, history)


def test_a_worker_consumes_again_after_its_way_to_redis_was_lost(
    agent, driver, target, faults, history
):
    """Nothing arrives and nobody hangs up, while a task runs and ends."""
    running = a_task_runs(agent, target, history, seconds=1)
    with faults.black_hole("worker"):
        history.settle(running, within_s=3)
    a_new_job_runs(driver, history)


def test_a_worker_consumes_again_after_its_way_to_redis_was_refused(
    agent, driver, target, faults, history
):
    running = a_task_runs(agent, target, history, seconds=1)
    with faults.refuse("worker"):
        history.settle(running, within_s=3)
    a_new_job_runs(driver, history)


def test_a_worker_consumes_again_after_its_connections_were_cut(
    driver, faults, history
):
    """As when a load balancer or a firewall forgets them; twice in a row."""
    for _ in range(2):
        faults.cut("worker")
        a_new_job_runs(driver, history)
