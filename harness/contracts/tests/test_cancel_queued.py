import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "cancel.queued-never-starts"

UNSAID = Status.INCONCLUSIVE


def revoked(at: float = 1.0, turn: float = 1.0) -> Story:
    """One task waits, is revoked; one behind it begins when its turn has come."""
    story = Story().say("send.accepted", 0.5, "waits")
    story.say("agent.revoked", at, "waits", terminate=False)
    story.say("send.accepted", at + 0.1, "later")
    story.say("ledger.start", at + 0.1 + turn, "later", pid=10, role="child")
    return story.watched(at + turn + 2.2)


def cancelled() -> Story:
    """The same with a user's jobs, of an application that writes a journal."""
    story = Story().submitted("waits", 0.5).cancel("waits", 1.0, "cancelled")
    return story.submitted("later", 1.1).started("later", 2.0).watched(4.1)


def starts_too(story: Story) -> Story:
    turn = story.history.of(source="ledger", kind="start")[0].t
    return story.say("ledger.start", turn + 0.1, "waits", pid=11, role="child")


test_only_a_cancelled_job_that_never_starts_holds = properties.of(
    LAW,
    st.builds(revoked, st.floats(0.6, 9.0), st.floats(0.1, 9.0)),
    Damage("it-starts-too", starts_too),
    Damage("never-cancelled", without("agent.revoked"), UNSAID),
    Damage("its-turn-never-came", without("ledger.start"), UNSAID),
    Damage("its-turn-came-before", moved("ledger.start", by_s=-9.2), UNSAID),
    Damage("nobody-behind-it", without("send.accepted", "later"), UNSAID),
    Damage("not-watched", moved("harness.heartbeat", by_s=-0.5), UNSAID),
)


def test_of_a_user_the_journal_tells_what_began():
    """The worker takes the message, and finds that there is nothing to do."""
    story = cancelled().say("ledger.start", 1.5, "waits", pid=10, role="child")
    assert story.judged_by(LAW).status is Status.HOLDS
    verdict = story.started("waits", 3.0).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "3.00 s" in verdict.observed


def test_without_a_journal_the_ledger_tells():
    story = without("journal.start")(cancelled())
    story.say("ledger.start", 2.0, "later", pid=10, role="child")
    assert story.judged_by(LAW).status is Status.HOLDS
    story.say("ledger.start", 3.0, "waits", pid=10, role="child")
    assert story.judged_by(LAW).status is Status.VIOLATED


def test_a_cancel_that_was_refused_is_none():
    story = changed("driver.cancel", to={"code": 409})(cancelled())
    assert story.judged_by(LAW).status is UNSAID


def test_a_job_that_ran_already_is_another_matter():
    story = revoked().say("ledger.start", 0.9, "waits", pid=10, role="child")
    assert story.judged_by(LAW).status is UNSAID


def test_a_later_start_soon_before_the_end_is_watched_on():
    verdict = without("harness.heartbeat")(revoked()).judged_by(LAW)
    assert verdict.due_t == pytest.approx(4.1)


def test_a_job_whose_process_has_it_and_whose_function_begins_did_not_wait():
    story = cancelled().submitted("b", 0.1)
    story.say("ledger.start", 2.5, "b", pid=12, role="child").cancel("b", 2.51)
    story.started("b", 2.52, pid=12)
    assert story.judged_by(LAW).status is Status.HOLDS
