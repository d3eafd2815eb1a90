import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

POOL = "time_limit.deployed-pool-enforces"
NATIVE = "time_limit.native-code-is-killed"


# time_limit.deployed-pool-enforces


def probe() -> Story:
    """A probe task with limits of 1 and 2 s, started at 1.0."""
    story = Story().sent("p", 0.0, soft_s=1.0, hard_s=2.0)
    return story.say("ledger.start", 1.0, "p", pid=10, role="child")


def ended(story: Story, t: float, how: str, role: str = "child") -> Story:
    return story.say("ledger.end", t, "p", pid=10, role=role, how=how).watched(t + 1)


def test_a_probe_ended_by_its_soft_limit_holds():
    assert ended(probe(), 2.1, "soft_time_limit").judged_by(POOL).status is Status.HOLDS


def test_a_probe_ended_by_its_hard_limit_holds():
    story = ended(probe(), 3.2, "hard_time_limit", "parent")
    assert story.judged_by(POOL).status is Status.HOLDS


def test_a_child_that_was_asked_to_leave_at_its_hard_limit_holds():
    story = ended(probe(), 3.1, "hard_time_limit", "parent")
    story = ended(story, 3.2, "terminated")
    assert story.judged_by(POOL).status is Status.HOLDS


def test_a_probe_that_succeeds_after_its_limit_is_violated():
    verdict = ended(probe(), 7.0, "success").judged_by(POOL)
    assert verdict.status is Status.VIOLATED
    assert "ignored" in verdict.summary


def test_a_probe_that_never_ends_is_violated_after_its_time():
    assert probe().watched(9.0).judged_by(POOL).status is Status.INCONCLUSIVE
    assert probe().watched(12.0).judged_by(POOL).status is Status.VIOLATED


def test_a_probe_that_was_too_short_is_inconclusive():
    assert ended(probe(), 1.5, "success").judged_by(POOL).status is Status.INCONCLUSIVE


def test_a_probe_that_never_started_is_inconclusive():
    story = Story().sent("p", 0.0, soft_s=1.0, hard_s=2.0).watched(30.0)
    assert story.judged_by(POOL).status is Status.INCONCLUSIVE


@given(st.floats(2.1, 60.0))
def test_no_success_after_the_hard_limit_holds(lasted_s):
    story = ended(probe(), 1.0 + lasted_s, "success")
    assert story.judged_by(POOL).status is Status.VIOLATED


# time_limit.native-code-is-killed


def stuck() -> Story:
    """A task in native code with limits of 1 and 2 s, started at 1.0."""
    story = Story().say(
        "send.accepted", 0.5, "n", task="queueproof.native", soft_s=1.0, hard_s=2.0
    )
    return story.say("ledger.start", 1.0, "n", pid=10, role="child")


def killed(gone_t: float = 3.2, told_t: float = 3.1) -> Story:
    return stuck().gone(gone_t).reported("n", told_t, "hard_time_limit").watched(30.0)


def returned(t: float, how: str = "success") -> Story:
    story = stuck().say("ledger.end", t, "n", pid=10, role="child", how=how)
    return story.gone(t + 0.1).watched(30.0)


def test_a_process_gone_at_its_hard_limit_and_reported_holds():
    verdict = killed().judged_by(NATIVE)
    assert verdict.status is Status.HOLDS
    assert verdict.measured["kill_s"] == pytest.approx(0.2)


@pytest.mark.parametrize("how", ["success", "soft_time_limit"])
def test_a_call_that_ran_to_its_end_past_the_limit_is_violated(how):
    verdict = returned(9.0, how).judged_by(NATIVE)
    assert verdict.status is Status.VIOLATED
    assert not verdict.timed
    assert "ran to its end" in verdict.summary


def test_a_call_that_returned_before_its_limit_is_inconclusive():
    assert returned(2.0).judged_by(NATIVE).status is Status.INCONCLUSIVE


def test_a_process_that_stays_is_violated_when_its_time_has_come():
    assert stuck().watched(4.0).judged_by(NATIVE).due_t == pytest.approx(5.0)
    verdict = stuck().watched(5.5).judged_by(NATIVE)
    assert verdict.status is Status.VIOLATED
    assert verdict.timed


def test_a_kill_that_nobody_reports_or_that_is_called_a_loss_is_violated():
    silent = stuck().gone(3.1)
    assert silent.watched(5.5).judged_by(NATIVE).due_t == pytest.approx(9.1)
    assert silent.watched(9.5).judged_by(NATIVE).status is Status.VIOLATED
    lost = stuck().gone(3.1).reported("n", 4.0, "lost").watched(5.0)
    assert lost.judged_by(NATIVE).status is Status.VIOLATED


def test_a_task_that_a_fault_killed_or_that_never_started_is_inconclusive():
    hurt = stuck().fault("kill_child", 2.0).gone(2.0).watched(30.0)
    assert hurt.judged_by(NATIVE).status is Status.INCONCLUSIVE
    sent = Story().say("send.accepted", 0.5, "n", task="queueproof.native", hard_s=2.0)
    assert sent.watched(30.0).judged_by(NATIVE).status is Status.INCONCLUSIVE


def test_a_task_that_only_sleeps_is_not_stuck_in_native_code():
    story = ended(probe(), 3.1, "hard_time_limit", "parent").gone(3.2)
    assert story.judged_by(NATIVE).status is Status.INCONCLUSIVE


test_only_a_native_call_killed_at_its_hard_limit_holds = properties.of(
    NATIVE,
    st.builds(killed, st.floats(3.0, 4.9), st.floats(3.0, 9.0)),
    Damage("no-hard-limit", lambda story: returned(9.0)),
    Damage("gone-late", moved("probe.gone", by_s=2.1)),
    Damage("not-gone", without("probe.gone")),
    Damage("not-reported", without("ledger.end")),
    Damage("reported-late", moved("ledger.end", by_s=9.0)),
    Damage("called-lost", changed("ledger.end", to={"how": "lost"})),
    Damage("not-started", without("ledger.start"), Status.INCONCLUSIVE),
)
