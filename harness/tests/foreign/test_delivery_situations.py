"""The situations of delivery and cancel, on applications that are right and wrong."""

import dataclasses

import pytest

from harness.contract import find_contract
from harness.errors import NotApplicable
from harness.faults import Faults
from harness.probes import Probes
from harness.run import Run
from harness.scenario import Scenario
from harness.situations import situations
from harness.verdict import Status

SITUATIONS = {one.name: one for one in situations()}


@pytest.fixture
def perform(plain_target, tmp_path):
    """Perform a situation on the application with this environment; its verdict."""
    runs = []

    def perform(name, command="{usual}", bounds=None, **env):
        usual = plain_target.commands["worker"]
        ids = SITUATIONS[name].contracts
        target = dataclasses.replace(
            plain_target,
            app="holding:app",
            queues=("holding",),
            commands={"worker": command.replace("{usual}", usual)},
            env={key: str(value) for key, value in env.items()},
            bounds=dict.fromkeys(ids, bounds) if bounds else {},
        )
        runs.append(run := Run(target, lambda: tmp_path))
        (contract,) = (find_contract(id) for id in ids)
        scenario = Scenario(run, name, [contract])
        stack = run.stack_for(scenario.history)
        probes = Probes(stack, scenario.history)
        scenario.follow(stack, probes)
        SITUATIONS[name].perform(
            target=target,
            stack=stack,
            agent=stack.agent,
            faults=Faults(stack, scenario.history),
            probes=probes,
            history=scenario.history,
        )
        verdict = scenario.finish().verdicts[contract.id]
        probes.close()
        return verdict

    yield perform
    for run in runs:
        run.close()


LONG = "delivery_visibility.as_long_as_it_may"


def test_a_visibility_timeout_above_the_hard_limit_holds(perform):
    verdict = perform(LONG, ACKS_LATE=1, HARD_S=20, VISIBILITY_S=25)
    assert verdict.status is Status.HOLDS, verdict


@pytest.mark.parametrize("ack", ["ACKS_LATE", "LATE_TASK"])
def test_a_visibility_timeout_below_the_hard_limit_is_violated(perform, ack):
    verdict = perform(LONG, **{ack: 1}, HARD_S=20, VISIBILITY_S=15, PREFIX="mine:")
    assert verdict.status is Status.VIOLATED, verdict
    assert "while it ran" in verdict.summary
    assert "20 s (the hard limit of 20 s; timeout 15 s)" in verdict.expected


def test_where_no_task_acknowledges_late_no_message_can_come_back(perform):
    with pytest.raises(NotApplicable, match="no task of the application acknowledges"):
        perform(LONG)


RESERVED = "delivery_visibility.reserved_behind_a_running_one"


def test_a_visibility_timeout_above_the_reserved_ones_holds(perform):
    verdict = perform(RESERVED, HARD_S=5, PREFETCH=2, VISIBILITY_S=30)
    assert verdict.status is Status.HOLDS, verdict
    assert "2 x the hard limit of 5 s" in verdict.summary


def test_a_worker_that_reserves_nothing_holds(perform):
    verdict = perform(RESERVED, HARD_S=5, DISABLE_PREFETCH=1, VISIBILITY_S=2)
    assert verdict.status is Status.HOLDS, verdict


def test_a_visibility_timeout_below_the_reserved_ones_is_violated(perform):
    verdict = perform(RESERVED, HARD_S=10, PREFETCH=4, VISIBILITY_S=30)
    assert verdict.status is Status.VIOLATED, verdict
    assert "4 x the hard limit of 10 s; timeout 30 s" in verdict.expected


def test_without_a_hard_limit_no_visibility_timeout_is_enough(perform):
    verdict = perform(RESERVED)
    assert verdict.status is Status.VIOLATED, verdict
    assert "no hard time limit" in verdict.expected


LOST = "delivery_lost_worker.worker_is_killed"
SOON = {"t_rec_s": 8}


def test_early_ack_with_nobody_looking_is_violated(perform):
    verdict = perform(LOST, bounds=SOON)
    assert verdict.status is Status.VIOLATED, verdict
    assert "1 start; state " in verdict.observed


def test_late_ack_with_an_hour_is_violated(perform):
    verdict = perform(LOST, bounds=SOON, ACKS_LATE=1)
    assert verdict.status is Status.VIOLATED, verdict


def test_late_ack_with_a_short_timeout_holds(perform):
    verdict = perform(LOST, ACKS_LATE=1, VISIBILITY_S=4, SWEEP_S=1, THROTTLE=1)
    assert verdict.status is Status.HOLDS, verdict
    assert "run again" in verdict.summary


REVOKED = "cancel_queued.revoked"
RESTARTED = "cancel_queued.revoked_before_a_restart"


@pytest.mark.parametrize("prefetch", [{"PREFETCH": 4}, {"DISABLE_PREFETCH": 1}])
def test_a_revoked_task_never_starts(perform, prefetch):
    verdict = perform(REVOKED, **prefetch)
    assert verdict.status is Status.HOLDS, verdict


def test_a_worker_that_hears_nothing_while_it_works_may_be_late(perform):
    """On solo the revoke and the next message are heard in either order."""
    verdict = perform(REVOKED, "{usual} -P solo")
    assert verdict.status is not Status.INCONCLUSIVE, verdict


def test_revokes_in_memory_are_no_match_for_a_restart(perform):
    with pytest.raises(NotApplicable, match="a restart forgets them"):
        perform(RESTARTED)


def test_revokes_in_a_file_survive_a_restart(perform):
    verdict = perform(RESTARTED, "{usual} --statedb={data}/revoked")
    assert verdict.status is Status.HOLDS, verdict


def test_an_option_that_a_wrapper_loses_is_violated(perform):
    verdict = perform(RESTARTED, 'sh -c "exec {usual}" --statedb={data}/revoked')
    assert verdict.status is Status.VIOLATED, verdict
