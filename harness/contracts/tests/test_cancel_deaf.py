import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "cancel.deaf-job-is-killed"

UNSAID = Status.INCONCLUSIVE


def frozen(kind: str = "unlimited") -> Story:
    """A job runs from 1.0 on, hears nothing from 1.5 on, and is cancelled at 2.0."""
    story = Story().submitted("a", 0.0, kind).subscribed("a", 0.1)
    story.say("journal.start", 1.0, "a", pid=10, pid_start=77, attempt=1)
    return story.fault("pause_child", 1.5, job="a").cancel("a", 2.0)


def killed(gone_s: float = 1.1, told_s: float = 0.2, kind: str = "unlimited") -> Story:
    """It is killed, its user is told, and then the fault finds nobody to wake."""
    gone_t = 2.0 + gone_s
    story = frozen(kind).gone(gone_t).status("a", gone_t + told_s, "cancelled")
    story.event("a", "cancelled", gone_t + told_s + 0.01)
    return woken(story, gone_t + told_s + 1.0).watched(60.0)


def woken(story: Story, t: float) -> Story:
    return story.say("fault.healed", t, "a", fault="pause_child", resumed=[])


def test_a_frozen_job_that_is_killed_holds():
    verdict = killed().judged_by(LAW)
    assert verdict.status is Status.HOLDS
    assert verdict.measured["gone_s"] == pytest.approx(1.1)


def told_at_once(story: Story) -> Story:
    return story.status("a", 2.05, "cancelled")


test_only_a_deaf_job_that_is_killed_and_told_after_that_holds = properties.of(
    LAW,
    st.builds(killed, st.floats(0.7, 9.9), st.floats(0.0, 9.0)),
    Damage("gone-late", moved("probe.gone", by_s=10.0)),
    Damage("told-at-once", told_at_once),
    Damage("told-failed", changed("driver.event", to={"event": "failed"})),
    Damage("shown-as-failed", changed("driver.status", to={"state": "failed"})),
    Damage("it-heard", without("fault.injected"), UNSAID),
    Damage("another-fault", changed("fault.injected", to={"fault": "noop"}), UNSAID),
    Damage("no-bite", changed("fault.injected", to={"bit": False}), UNSAID),
    Damage("frozen-later", moved("fault.injected", by_s=0.6), UNSAID),
    Damage("nobody-cancelled", without("driver.cancel"), UNSAID),
)


def test_a_process_that_lives_on_is_violated():
    verdict = frozen().watched(12.1).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "lived on" in verdict.summary
    assert frozen().watched(11.9).judged_by(LAW).due_t == pytest.approx(12.0)


def test_a_process_that_nobody_watches_is_not_accused():
    story = changed("journal.start", to={"pid_start": None})(frozen())
    assert story.watched(30.0).judged_by(LAW).status is UNSAID


def test_a_hard_limit_that_comes_first_proves_nothing():
    """Limits of 3 and 5 s: the process is gone at 6.1 because of those."""
    story = killed(gone_s=4.1, kind="short")
    assert story.judged_by(LAW).status is UNSAID
    verdict = story.judged_by(LAW, gone_s=3.0)
    assert verdict.status is Status.VIOLATED


def test_a_process_that_was_woken_proves_nothing():
    story = woken(frozen(), 3.0).ended("a", 3.1, "cancelled").gone(3.2)
    story.event("a", "cancelled", 3.2).watched(9.0)
    assert story.judged_by(LAW).status is UNSAID


def test_who_tells_before_the_hard_limit_kills_is_accused_all_the_same():
    story = told_at_once(killed(gone_s=4.1, kind="short"))
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "still there" in verdict.summary
