"""Jobs that are delivered, and executed, not just once."""

import pytest

from harness import situations


@pytest.mark.contract("delivery.poison-is-bounded")
def test_a_task_that_kills_its_process_ends_and_the_next_one_runs(
    agent, target, history
):
    situations.delivery.kills_its_process(agent, target, history)
