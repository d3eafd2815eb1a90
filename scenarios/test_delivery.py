"""Jobs that are delivered, and executed, not just once."""

from dataclasses import replace

import pytest

from harness import situations
from scenarios import kinds


@pytest.mark.contract("delivery.poison-is-bounded")
@kinds.queue
def test_a_task_that_kills_its_process_ends_and_the_next_one_runs(
    agent, target, history, queue
):
    target = replace(target, queues=(queue,))
    situations.delivery.kills_its_process(agent, target, history)


@pytest.mark.contract("delivery.long-job-runs-once")
def test_a_job_that_takes_as_long_as_it_may_is_executed_once(
    agent, target, stack, faults, history
):
    """The clean-up of the workspaces acknowledges late; what has a row does not."""
    situations.delivery_visibility.as_long_as_it_may(
        agent, target, stack, faults, history
    )


@pytest.mark.contract("delivery.reserved-runs-once")
def test_a_job_that_waits_behind_a_running_one_is_executed_once(
    agent, target, stack, faults, probes, history
):
    situations.delivery_visibility.reserved_behind_a_running_one(
        agent, target, stack, faults, probes, history
    )


@pytest.mark.contract("delivery.lost-worker-is-noticed", "terminal.every-exit")
@kinds.endless
def test_a_job_whose_worker_is_killed_is_reported_in_time(
    target, stack, faults, history, endless
):
    target = replace(target, jobs={endless: target.job(endless)})
    situations.delivery_lost_worker.worker_of_a_users_job_is_killed(
        target, stack, faults, history
    )
