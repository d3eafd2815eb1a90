import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "delivery.lost-worker-is-noticed"

UNSAID = Status.INCONCLUSIVE


def killed(t: float = 2.0) -> Story:
    """A job runs from 1.0; its worker is killed."""
    story = Story().say("send.accepted", 0.5, "job", task="sleep")
    story.say("ledger.start", 1.0, "job", pid=10, role="child")
    return story.fault("kill_main", t, role="worker", pid=5)


def again(after_s: float = 5.0) -> Story:
    story = killed().say("ledger.start", 2.0 + after_s, "job", pid=20, role="child")
    return story.watched(2.0 + after_s)


def reported(after_s: float = 5.0) -> Story:
    story = killed().say("agent.state", 2.1, "job", state="STARTED")
    return story.say("agent.state", 2.0 + after_s, "job", state="FAILURE")


def told(after_s: float = 5.0, event: str = "failed") -> Story:
    story = killed().subscribed("job", 0.6)
    return story.event("job", event, 2.0 + after_s).watched(2.1 + after_s)


IN_TIME = st.floats(0.2, 29.9)


@given(st.sampled_from([again, told]), IN_TIME)
def test_another_run_and_an_ending_are_notice_too(how, after_s):
    properties.holds(LAW, how(after_s))


@given(st.sampled_from([again, reported, told]), st.floats(30.1, 99.0))
def test_what_is_noticed_late_is_violated(how, after_s):
    assert how(after_s).judged_by(LAW).status is Status.VIOLATED


test_only_what_is_noticed_in_time_holds = properties.of(
    LAW,
    st.builds(reported, IN_TIME),
    Damage("not-killed", without("fault.injected"), UNSAID),
    Damage("did-not-bite", changed("fault.injected", to={"bit": False}), UNSAID),
    Damage("not-running-then", moved("fault.injected", by_s=-1.5), UNSAID),
    Damage("never-sent", without("send.accepted"), UNSAID),
    Damage("said-done", changed("agent.state", to={"state": "SUCCESS"}), UNSAID),
    Damage("never-reported", without("agent.state", state="FAILURE"), UNSAID),
    Damage("too-late", moved("agent.state", state="FAILURE", by_s=30.0)),
)


def test_a_job_that_stays_started_is_violated_once_the_time_is_over():
    story = killed()
    for t in (2.1, 31.9):
        story.say("agent.state", t, "job", state="STARTED")
    assert story.judged_by(LAW).status is UNSAID
    verdict = story.say("agent.state", 32.1, "job", state="STARTED").watched(32.2)
    verdict = verdict.judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert verdict.timed
    assert "state STARTED at 32.10 s" in verdict.observed


def test_whom_nobody_asked_nobody_can_accuse():
    assert killed().watched(99.0).judged_by(LAW).status is UNSAID


def test_a_subscriber_is_waited_for():
    story = killed().subscribed("job", 0.6).watched(10.0)
    assert story.judged_by(LAW).due_t == pytest.approx(32.0)
    assert story.watched(32.1).judged_by(LAW).status is Status.VIOLATED


def test_a_completion_without_another_run_is_no_notice():
    assert told(event="completed").watched(33.0).judged_by(LAW).status is (
        Status.VIOLATED
    )


def test_the_api_can_tell_too():
    story = killed().status("job", 6.0, "started").status("job", 7.0, "failed")
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.HOLDS
    assert verdict.measured["t_rec_s"] == pytest.approx(5.0)


def test_a_killed_child_is_another_matter():
    story = Story().say("send.accepted", 0.5, "job", task="sleep")
    story.say("ledger.start", 1.0, "job", pid=10, role="child")
    story.fault("kill_child", 2.0).say("agent.state", 3.0, "job", state="FAILURE")
    assert story.judged_by(LAW).status is UNSAID
