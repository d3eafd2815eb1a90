"""Beat's schedule: undisturbed, and with its schedulers and workers in trouble.

Not applicable where beat has no entry of a few seconds.
"""

import pytest

from harness import situations


@pytest.mark.contract("schedule.one-run-per-slot")
def test_each_entry_of_the_schedule_runs_once_when_it_is_due(agent, history):
    situations.schedule.steady_state(agent, history)


@pytest.mark.contract("schedule.two-schedulers-one-run", "schedule.survives-lost-lock")
def test_two_beats_are_as_good_as_one_and_each_outlives_the_other(
    agent, faults, history
):
    situations.schedule.two_schedulers(agent, faults, history)


@pytest.mark.contract("schedule.returns-after-a-kill", "schedule.survives-lost-lock")
def test_a_beat_whose_redis_was_away_and_that_was_killed_returns(
    agent, faults, history
):
    situations.schedule.hung_and_killed(agent, faults, history)


@pytest.mark.contract("schedule.no-overlap")
def test_what_waited_while_no_worker_lived_does_not_all_run(agent, faults, history):
    situations.schedule.workers_away(agent, faults, history)


@pytest.mark.contract("schedule.no-overlap")
def test_a_run_longer_than_its_period_does_not_meet_the_next_one(
    agent, target, faults, history
):
    situations.schedule.longer_than_its_period(agent, target, faults, history)
