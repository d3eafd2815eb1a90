"""Beat's schedule, undisturbed."""

import pytest

from harness import situations


@pytest.mark.contract("schedule.one-run-per-slot")
def test_each_entry_of_the_schedule_runs_once_when_it_is_due(agent, history):
    """Not applicable where beat has no entry of a few seconds."""
    situations.schedule.steady_state(agent, history)
