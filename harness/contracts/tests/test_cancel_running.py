import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, again, both, changed, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "cancel.running-stops"

UNSAID = Status.INCONCLUSIVE


def cancelled(at: float = 2.0) -> Story:
    """A job with limits of 3 and 5 s that runs from 1.0 on, and is cancelled."""
    story = Story().submitted("a", 0.0).subscribed("a", 0.1).started("a", 1.0)
    return story.cancel("a", at)


def stopped(took_s: float = 0.1, told_s: float = 0.1, by_signal: bool = False) -> Story:
    """It hears the flag, or its process is killed, and its user is told."""
    story, over_t = cancelled(), 2.0 + took_s
    if by_signal:
        story.reported("a", over_t + 0.01, "lost")
    else:
        story.ended("a", over_t, "cancelled")
    story.gone(over_t + 0.02)
    story.event("a", "cancelled", over_t + 0.02 + told_s)
    return story.status("a", over_t + 0.03 + told_s, "cancelled").watched(30.0)


def test_a_job_that_hears_the_flag_holds():
    verdict = stopped().judged_by(LAW)
    assert verdict.status is Status.HOLDS
    assert verdict.measured["stop_s"] == pytest.approx(0.1)


def goes_on(story: Story) -> Story:
    """Nobody saw its work come to an end, whatever its user was told."""
    over = "journal.end" if story.history.of(kind="end", source="journal") else None
    story = without("probe.gone")(story)
    return without(over)(story) if over else without("ledger.end")(story)


test_only_a_job_that_stops_and_is_told_once_holds = properties.of(
    LAW,
    st.builds(stopped, st.floats(0.01, 4.9), st.floats(0.0, 9.9), st.booleans()),
    Damage("goes-on", goes_on),
    Damage("told-failed", changed("driver.event", to={"event": "failed"})),
    Damage("shown-as-failed", changed("driver.status", to={"state": "failed"})),
    Damage("told-twice", again("driver.event", after_s=0.2)),
    Damage("not-told", both(without("driver.event"), without("driver.status"))),
    Damage("nobody-cancelled", without("driver.cancel"), UNSAID),
    Damage("too-late", changed("driver.cancel", to={"code": 409}), UNSAID),
    Damage("it-waited", without("journal.start"), UNSAID),
    Damage("killed-by-a-fault", lambda s: s.fault("kill_child", 1.5), UNSAID),
)


def test_a_job_that_goes_on_is_violated():
    story = cancelled().event("a", "progress", 6.9).watched(7.1)
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert verdict.timed


def test_until_it_is_due_nobody_is_accused():
    verdict = cancelled().watched(6.9).judged_by(LAW)
    assert verdict.status is UNSAID
    assert verdict.due_t == pytest.approx(7.0)


@pytest.mark.parametrize("told", ["failed", "cancelled"])
def test_a_job_that_only_its_soft_limit_stops_is_violated(told):
    story = cancelled().ended("a", 4.1, "soft_time_limit").gone(4.2)
    verdict = story.event("a", told, 4.2).watched(9.0).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "until a time limit" in verdict.summary


def test_a_job_that_only_its_hard_limit_stops_is_violated():
    story = cancelled().reported("a", 6.0, "hard_time_limit").gone(6.1)
    verdict = story.event("a", "cancelled", 6.2).watched(9.0).judged_by(LAW)
    assert verdict.status is Status.VIOLATED


def test_a_job_that_works_to_its_end_is_violated():
    story = cancelled().ended("a", 4.0, "returned").event("a", "completed", 4.1)
    verdict = story.watched(9.0).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "completed" in verdict.summary


def test_a_job_that_was_about_to_end_is_no_case():
    story = cancelled().ended("a", 2.1, "returned").event("a", "completed", 2.2)
    assert story.watched(9.0).judged_by(LAW).status is UNSAID


def test_a_job_function_may_see_the_flag_and_return():
    story = cancelled().ended("a", 4.0, "returned").event("a", "cancelled", 4.1)
    assert story.watched(9.0).judged_by(LAW).status is Status.HOLDS


def test_the_worker_that_says_revoked_has_stopped_nothing():
    """Celery reports a revoke when the signal is sent; the task ignores it."""
    story = Story().submitted("a", 0.0).subscribed("a", 0.1)
    story.say("ledger.start", 1.0, "a", pid=10, role="child").cancel("a", 2.0)
    story.reported("a", 2.1, "revoked").event("a", "cancelled", 2.1)
    assert story.watched(8.0).judged_by(LAW).status is Status.VIOLATED


def test_without_a_socket_the_answers_tell():
    story = without("driver.event")(without("driver.subscribed")(stopped()))
    assert story.judged_by(LAW).status is Status.HOLDS
    assert without("driver.status")(story).judged_by(LAW).status is UNSAID
