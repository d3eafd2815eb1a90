import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "cancel.is-final"

UNSAID = Status.INCONCLUSIVE


def waiting(trial: str = "kill_main", at: float = 2.0, turn: float = 6.0) -> Story:
    """A job waits, is cancelled at 2.5, and something might bring it back."""
    story = Story().submitted("a", 0.0).subscribed("a", 0.1).cancel("a", 2.5)
    story.event("a", "cancelled", 2.6)
    role = "worker" if trial in ("kill_main", "terminate") else "child"
    story.fault(trial, at, role, pid=1, job="a" if role == "child" else None)
    return behind(story, turn)


def behind(story: Story, turn: float = 6.0) -> Story:
    """A later job begins, and the user asks once more."""
    story.submitted("b", 3.0).started("b", 3.0 + turn, pid=20)
    story.status("a", 3.1 + turn, "cancelled")
    return story.watched(5.5 + turn)


def starts_again(story: Story) -> Story:
    begin = story.history.of(source="journal", kind="start", job="b")[0].t
    return story.started("a", begin + 0.5, pid=21)


test_only_what_stays_cancelled_whatever_happens_holds = properties.of(
    LAW,
    st.builds(
        waiting,
        st.sampled_from(["kill_main", "terminate", "second_delivery"]),
        st.floats(0.5, 5.0),
        st.floats(2.5, 30.0),
    ),
    Damage("starts-again", starts_again),
    Damage("shown-as-completed", changed("driver.status", to={"state": "completed"})),
    Damage("told-failed", changed("driver.event", to={"event": "failed"})),
    Damage("no-trial", without("fault.injected"), UNSAID),
    Damage("harmless", changed("fault.injected", to={"fault": "noop"}), UNSAID),
    Damage("no-bite", changed("fault.injected", to={"bit": False}), UNSAID),
    Damage("no-worker-came", without("journal.start", "b"), UNSAID),
    Damage("its-turn-came-before", moved("driver.submitted", "b", by_s=-9.0), UNSAID),
    Damage("not-watched", moved("harness.heartbeat", by_s=-0.6), UNSAID),
    Damage("nobody-cancelled", without("driver.cancel"), UNSAID),
)


def ran(how: str | None = None, at: float = 2.6) -> Story:
    """A job runs from 1.0 on, its worker is asked to leave, and it is cancelled."""
    story = Story().submitted("a", 0.0).subscribed("a", 0.1).started("a", 1.0)
    story.fault("terminate", 2.0, "worker", pid=1).cancel("a", 2.5)
    return story if how is None else story.ended("a", at, how)


def test_a_job_cancelled_while_its_worker_leaves_stays_so():
    story = behind(ran("cancelled").event("a", "cancelled", 2.7))
    assert story.judged_by(LAW).status is Status.HOLDS


def test_a_cancel_that_a_leaving_worker_ignores_is_violated():
    story = ran("returned", at=6.0).event("a", "completed", 6.1).watched(9.0)
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "completed" in verdict.summary


def test_a_job_that_was_about_to_end_is_no_case():
    story = behind(ran("returned").event("a", "completed", 2.7))
    assert story.judged_by(LAW).status is UNSAID


def test_a_further_attempt_after_the_cancel_is_violated():
    """Its process is killed because of the cancel, and the loss is made good."""
    story = ran().reported("a", 3.5, "lost").started("a", 4.0, pid=11)
    verdict = story.ended("a", 4.1, "cancelled", pid=11).watched(9.0).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "attempt 2" in verdict.observed


def test_a_job_that_waited_for_another_attempt_is_a_case():
    story = Story().submitted("a", 0.0).subscribed("a", 0.1).started("a", 1.0)
    story.ended("a", 1.5, "raised:ConnectionError").cancel("a", 2.5)
    story = behind(story.event("a", "cancelled", 2.6))
    assert story.judged_by(LAW).status is Status.HOLDS
    assert starts_again(story).judged_by(LAW).status is Status.VIOLATED


def test_a_worker_may_take_the_message_and_do_nothing():
    story = waiting().say("ledger.start", 9.2, "a", pid=20, role="child")
    story.say("ledger.end", 9.3, "a", pid=20, role="child", how="success")
    assert story.judged_by(LAW).status is Status.HOLDS


def test_after_a_worker_was_there_it_is_watched_on():
    verdict = without("harness.heartbeat")(waiting()).judged_by(LAW)
    assert verdict.due_t == pytest.approx(11.0)
