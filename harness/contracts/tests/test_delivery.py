import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.tests.story import Story
from harness.verdict import Status

LAW = "delivery.poison-is-bounded"


def poison(starts: int = 1, *, gone: bool = True) -> Story:
    """A task sent at 0.5 that kills its process each second from 1.0 on."""
    story = Story().say("send.accepted", 0.5, "poison", task="suicide")
    for n in range(starts):
        pid = 10 + n
        story.say("ledger.start", 1.0 + n, "poison", pid=pid, role="child")
        if gone:
            story.gone(1.1 + n, pid=pid)
    return story


def followed(story: Story, t: float = 5.0, how: str = "success") -> Story:
    story.say("send.accepted", 0.6, "behind", task="sleep")
    story.say("ledger.start", t, "behind", pid=30, role="child")
    return story.say("ledger.end", t, "behind", pid=30, role="child", how=how)


@pytest.mark.parametrize("starts", [1, 3])
def test_a_bounded_number_of_starts_and_a_report_hold(starts):
    story = poison(starts).reported("poison", 4.0, "lost")
    verdict = followed(story).watched(6.0).judged_by(LAW)
    assert verdict.status is Status.HOLDS
    assert verdict.measured["attempts"] == starts


def test_too_many_starts_are_violated_whoever_reports():
    for story in (poison(4), poison(4).reported("poison", 4.2, "lost")):
        verdict = followed(story).watched(6.0).judged_by(LAW)
        assert verdict.status is Status.VIOLATED
        assert not verdict.timed
        assert "4 times" in verdict.summary


def test_an_own_counter_that_gives_up_in_the_child_holds():
    story = poison(2).say("ledger.start", 3.0, "poison", pid=20, role="child")
    how = "failure:Poison"
    story.say("ledger.end", 3.1, "poison", pid=20, role="child", how=how)
    assert followed(story).judged_by(LAW).status is Status.HOLDS


def test_a_death_that_nobody_reports_is_violated():
    story = followed(poison(), t=2.0)
    assert story.watched(5.0).judged_by(LAW).due_t == pytest.approx(11.1)
    assert story.watched(12.0).judged_by(LAW).status is Status.VIOLATED


def test_a_late_report_is_violated():
    story = followed(poison().reported("poison", 15.0, "lost"))
    assert story.watched(16.0).judged_by(LAW).status is Status.VIOLATED


def test_a_job_behind_it_that_does_not_run_is_violated():
    story = poison().reported("poison", 2.0, "lost")
    story.say("send.accepted", 0.6, "behind", task="sleep")
    assert story.watched(5.0).judged_by(LAW).due_t == pytest.approx(12.0)
    assert story.watched(13.0).judged_by(LAW).status is Status.VIOLATED


def test_without_a_job_behind_it_nothing_can_be_said():
    story = poison().reported("poison", 2.0, "lost").watched(30.0)
    assert story.judged_by(LAW).status is Status.INCONCLUSIVE


def test_a_process_that_lives_on_is_no_poison():
    story = followed(poison(gone=False)).watched(30.0)
    assert story.judged_by(LAW).status is Status.INCONCLUSIVE


def test_a_process_that_a_fault_killed_is_no_poison():
    story = Story().say("send.accepted", 0.5, "hit", task="sleep")
    story.say("ledger.start", 1.0, "hit", pid=10, role="child")
    story.fault("kill_child", 1.1).gone(1.1).reported("hit", 1.2, "lost")
    assert followed(story).watched(30.0).judged_by(LAW).status is Status.INCONCLUSIVE


@given(st.integers(1, 8))
def test_the_number_of_starts_decides(starts):
    story = followed(poison(starts).reported("poison", 1.2 + starts, "lost"), 12.0)
    wanted = Status.HOLDS if starts <= 3 else Status.VIOLATED
    assert story.watched(13.0).judged_by(LAW).status is wanted
