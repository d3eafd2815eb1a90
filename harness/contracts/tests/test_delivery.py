import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, both, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "delivery.poison-is-bounded"

UNSAID = Status.INCONCLUSIVE


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


def test_a_job_behind_it_that_does_not_run_is_violated():
    story = poison().reported("poison", 2.0, "lost")
    story.say("send.accepted", 0.6, "behind", task="sleep")
    assert story.watched(5.0).judged_by(LAW).due_t == pytest.approx(12.0)
    assert story.watched(13.0).judged_by(LAW).status is Status.VIOLATED


def test_a_process_that_lives_on_is_no_poison():
    story = followed(poison(gone=False)).watched(30.0)
    assert story.judged_by(LAW).status is Status.INCONCLUSIVE


def legal(starts: int, report_s: float, behind_s: float) -> Story:
    """It kills 1 to 3 processes, is reported, and the job behind it is done."""
    reported_t = 1.1 + starts - 1 + report_s
    story = poison(starts).reported("poison", reported_t, "lost")
    return followed(story, reported_t + behind_s).watched(60.0)


def once_more(story: Story) -> Story:
    for n in (3, 4, 5):
        story.say("ledger.start", 1.0 + n, "poison", pid=10 + n, role="child")
    return story.gone(6.1, pid=15)


def ran_before(story: Story) -> Story:
    unseen = both(without("ledger.start", "behind"), without("ledger.end", "behind"))
    story = unseen(story)
    story.say("ledger.start", 0.7, "behind", pid=30, role="child")
    return story.say("ledger.end", 0.8, "behind", pid=30, role="child", how="success")


test_only_a_poison_that_is_bounded_and_reported_holds = properties.of(
    LAW,
    st.builds(legal, st.integers(1, 3), st.floats(0.0, 9.9), st.floats(0.1, 9.9)),
    Damage("started-too-often", once_more),
    Damage("not-reported", without("ledger.end", "poison")),
    Damage("reported-late", moved("ledger.end", "poison", by_s=10.1)),
    Damage("the-next-never-runs", without("ledger.start", "behind")),
    Damage("the-next-fails", changed("ledger.end", "behind", to={"how": "lost"})),
    Damage("the-next-is-late", moved("ledger.end", "behind", by_s=10.0)),
    Damage("the-next-ran-before", ran_before, UNSAID),
    Damage("nobody-behind", without("send.accepted", "behind"), UNSAID),
    Damage("never-sent", without("send.accepted", "poison"), UNSAID),
    Damage("never-started", without("ledger.start", "poison"), UNSAID),
    Damage("killed-by-a-fault", lambda s: s.fault("kill_child", 1.05), UNSAID),
)
