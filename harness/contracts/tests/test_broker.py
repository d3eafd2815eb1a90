import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.tests.story import Story
from harness.verdict import Status

LAW = "broker.consumes-again"


def restarted(times: int = 1) -> Story:
    """Redis restarts, the last time at 3.0; then a canary is sent at 4.0."""
    story = Story()
    for n in range(times):
        story.fault("redis_restart", 3.0 - n, role="redis", pid=3)
        story.healed("redis_restart", 3.2 - n)
    return story.say("send.accepted", 4.0, "canary", task="sleep")


def ran(story: Story, start_t: float = 5.0, how: str = "success") -> Story:
    story.say("ledger.start", start_t, "canary", pid=10, role="child")
    end_t = start_t + 0.1
    return story.say("ledger.end", end_t, "canary", pid=10, role="child", how=how)


def test_a_canary_that_runs_holds():
    verdict = ran(restarted(times=3)).watched(6.0).judged_by(LAW)
    assert verdict.status is Status.HOLDS
    assert verdict.measured["t_rec_s"] == pytest.approx(1.1)
    assert verdict.measured["restarts"] == 0


def test_a_canary_that_nobody_takes_is_violated():
    assert restarted().watched(10.0).judged_by(LAW).due_t == pytest.approx(19.0)
    assert restarted().watched(20.0).judged_by(LAW).status is Status.VIOLATED


def test_a_canary_that_fails_is_violated():
    story = ran(restarted(), how="failure:ConnectionError").watched(20.0)
    assert story.judged_by(LAW).status is Status.VIOLATED


def test_a_worker_that_was_restarted_is_violated_although_the_canary_runs():
    story = ran(restarted()).say("stack.restarted", 3.5, role="worker").watched(6.0)
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert not verdict.timed
    assert verdict.measured["restarts"] == 1
    assert story.judged_by(LAW, restarts=1).status is Status.HOLDS


def test_restarts_of_other_parts_and_before_the_fault_do_not_count():
    story = Story().say("stack.restarted", 0.5, role="worker")
    story.fault("redis_restart", 3.0, role="redis").healed("redis_restart", 3.2)
    story.say("stack.restarted", 3.1, role="redis")
    story.say("send.accepted", 4.0, "canary", task="sleep")
    assert ran(story).judged_by(LAW).status is Status.HOLDS


def test_a_subscriber_who_hears_nothing_is_violated():
    story = ran(restarted()).subscribed("canary", 4.1)
    assert story.watched(6.0).judged_by(LAW).status is Status.INCONCLUSIVE
    assert story.watched(20.0).judged_by(LAW).status is Status.VIOLATED
    story = ran(restarted()).subscribed("canary", 4.1)
    assert story.event("canary", "completed", 5.2).judged_by(LAW).status is (
        Status.HOLDS
    )


def test_an_outage_without_an_end_is_inconclusive():
    story = Story().fault("redis_stop", 1.0, role="redis")
    story.say("send.accepted", 4.0, "canary", task="sleep")
    assert ran(story).watched(30.0).judged_by(LAW).status is Status.INCONCLUSIVE


@pytest.mark.parametrize("fault", ["black_hole", "refuse", "cut"])
def test_a_broken_way_of_the_worker_is_an_outage_and_of_another_part_is_none(fault):
    for role, status in (("worker", Status.HOLDS), ("api", Status.INCONCLUSIVE)):
        story = Story().fault(fault, 3.0, role=role)
        story.say("fault.healed", 3.2, fault=fault, role=role)
        story.say("send.accepted", 4.0, "canary", task="sleep")
        assert ran(story).watched(6.0).judged_by(LAW).status is status


def test_each_restart_has_its_canary():
    story = ran(restarted()).fault("redis_restart", 6.0, role="redis")
    story.healed("redis_restart", 6.1)
    story.say("send.accepted", 6.5, "second", task="sleep")
    assert story.watched(22.0).judged_by(LAW).job == "second"
    assert story.judged_by(LAW).status is Status.VIOLATED


def test_a_canary_that_the_next_outage_hit_does_not_count():
    story = restarted().fault("redis_restart", 6.0, role="redis")
    story.healed("redis_restart", 6.1).watched(30.0)
    assert story.judged_by(LAW).status is Status.INCONCLUSIVE


def test_jobs_from_before_are_no_canaries():
    story = Story().say("send.accepted", 1.0, "early", task="sleep")
    story.fault("redis_restart", 3.0, role="redis").healed("redis_restart", 3.2)
    assert story.watched(30.0).judged_by(LAW).status is Status.INCONCLUSIVE


@given(st.floats(0.0, 14.8), st.floats(15.0, 60.0))
def test_the_time_decides(soon_s, late_s):
    assert ran(restarted(), 4.0 + soon_s).judged_by(LAW).status is Status.HOLDS
    assert ran(restarted(), 4.0 + late_s).judged_by(LAW).status is Status.VIOLATED
