"""Jobs that are delivered, and executed, not just once."""

import pytest


@pytest.mark.contract("delivery.poison-is-bounded")
def test_a_task_that_kills_its_process_ends_and_the_next_one_runs(
    agent, target, history
):
    poison = agent.probe("suicide", queue=target.queues[0])
    behind = agent.probe("sleep", queue=target.queues[0])
    history.settle(poison, within_s=10)
    history.settle(behind, within_s=10)
