import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, both, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "broker.consumes-again"

UNSAID = Status.INCONCLUSIVE


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


def test_a_canary_that_nobody_takes_is_waited_for():
    assert restarted().watched(10.0).judged_by(LAW).due_t == pytest.approx(19.0)


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


@st.composite
def legal(draw):
    """Some outages, each healed; then a canary that runs and up to two who watch it."""
    story = restarted(draw(st.integers(1, 3)))
    done_s, heard_s = draw(st.floats(0.2, 9.0)), draw(st.floats(0.0, 5.9))
    ran(story, 3.9 + done_s)
    for by in ("anna", "ben")[: draw(st.integers(1, 2))]:
        story.subscribed("canary", 4.1, by=by)
        story.event("canary", "completed", 4.0 + done_s + heard_s, by=by)
    return story.watched(40.0)


def died(story: Story) -> Story:
    return story.say("stack.restarted", 3.1, role="worker")


UNHEARD = both(without("driver.event"), without("harness.heartbeat"))

test_only_a_canary_that_is_done_and_announced_in_time_holds = properties.of(
    LAW,
    legal(),
    Damage("the-worker-was-restarted", died),
    Damage("never-started", without("ledger.start")),
    Damage("never-ended", without("ledger.end")),
    Damage("failed", changed("ledger.end", to={"how": "failure:OSError"})),
    Damage("done-late", moved("ledger.end", by_s=15.0)),
    Damage("one-hears-nothing", without("driver.event", subscriber="anna")),
    Damage("one-hears-late", moved("driver.event", subscriber="anna", by_s=15.0)),
    Damage("one-is-told-failed", changed("driver.event", to={"event": "failed"})),
    Damage("redis-was-never-gone", without("fault.injected"), UNSAID),
    Damage("redis-never-came-back", without("fault.healed"), UNSAID),
    Damage("did-not-bite", changed("fault.injected", to={"bit": False}), UNSAID),
    Damage("no-canary", without("send.accepted"), UNSAID),
    Damage("sent-while-redis-was-gone", moved("send.accepted", by_s=-0.9), UNSAID),
    Damage("sent-before", moved("send.accepted", by_s=-3.5), UNSAID),
    Damage("not-watched", UNHEARD, UNSAID),
)
