import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, again, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "time_limit.soft-limit-is-not-swallowed"


def sent(task: str = "shop.report") -> Story:
    """A job without an API, limits 3 and 6 s, started at 1.0: its soft limit is 4.0."""
    story = Story().say(
        "send.accepted", 0.5, "a", task=task, soft_s=3.0, hard_s=6.0, queue=None
    )
    return story.say("ledger.start", 1.0, "a", pid=10, role="child")


def ended(t: float = 4.1, how: str = "soft_time_limit", story: Story | None = None):
    story = story or sent()
    return story.say("ledger.end", t, "a", pid=10, role="child", how=how)


def submitted() -> Story:
    """The same of a job through an API, whose journal tells of it: limits 3 and 5 s."""
    story = Story().submitted("a", 0.5).subscribed("a", 0.6).started("a", 1.0)
    return story.ended("a", 4.1, "soft_time_limit")


@pytest.mark.parametrize("how", ["soft_time_limit", "failure:RuntimeError"])
def test_a_job_that_ends_as_failed_at_its_soft_limit_holds(how):
    verdict = ended(how=how).watched(9.0).judged_by(LAW)
    assert verdict.status is Status.HOLDS
    assert verdict.measured["soft_grace_s"] == pytest.approx(0.1)


@pytest.mark.parametrize("t", [3.9, 4.0, 4.1, 5.9])
def test_a_success_at_the_limit_is_the_time_out_in_disguise(t):
    verdict = ended(t, "success").watched(9.0).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "success" in verdict.summary


def test_a_job_that_was_done_before_is_no_case():
    story = Story().submitted("a", 0.5).started("a", 1.0).ended("a", 3.0)
    verdict = story.watched(9.0).judged_by(LAW)
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.summary.startswith("No job")


def test_a_job_sent_to_meet_its_limit_that_does_not_is_hidden_by_no_other():
    story = ended(3.5, "success")
    story.say("send.accepted", 0.5, "b", task="shop.mail", soft_s=3.0, hard_s=6.0)
    story.say("ledger.start", 1.0, "b", pid=11, role="child")
    story.say("ledger.end", 4.1, "b", pid=11, role="child", how="soft_time_limit")
    verdict = story.watched(9.0).judged_by(LAW)
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.observed == "ledger.end success at 3.50 s"


@pytest.mark.parametrize(("t", "how"), [(6.5, "success"), (6.5, "soft_time_limit")])
def test_a_job_that_works_on_is_violated(t, how):
    verdict = ended(t, how).watched(9.0).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "worked on" in verdict.summary


def test_a_job_that_only_its_hard_limit_ends_worked_on_however_soon_that_comes():
    story = sent().reported("a", 5.0, "hard_time_limit").watched(9.0)
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert not verdict.timed


def test_a_job_without_an_end_is_violated_when_its_time_has_come():
    assert sent().watched(5.0).judged_by(LAW).due_t == pytest.approx(6.0)
    assert sent().watched(6.5).judged_by(LAW).status is Status.VIOLATED


def test_a_retry_is_more_work():
    verdict = ended(how="retry").watched(9.0).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "tried again" in verdict.summary


def test_a_second_start_is_more_work():
    story = ended().say("ledger.start", 5.0, "a", pid=11, role="child").watched(9.0)
    assert story.judged_by(LAW).status is Status.VIOLATED


def test_a_result_that_says_success_is_violated():
    story = ended().say("agent.state", 5.0, "a", state="SUCCESS", result="1")
    assert story.watched(9.0).judged_by(LAW).status is Status.VIOLATED


def test_a_user_who_is_told_completed_is_deceived_whatever_the_journal_says():
    told = submitted().event("a", "completed", 4.2).watched(9.0)
    assert told.judged_by(LAW).status is Status.VIOLATED
    asked = submitted().status("a", 4.2, "completed").watched(9.0)
    assert asked.judged_by(LAW).status is Status.VIOLATED


def test_a_job_through_an_api_that_is_told_failed_holds():
    story = submitted().event("a", "failed", 4.2, reason="soft_time_limit")
    assert story.watched(9.0).judged_by(LAW).status is Status.HOLDS


def test_our_own_task_that_swallows_is_no_job_of_the_application():
    story = ended(9.0, "success", sent("queueproof.swallow")).watched(12.0)
    assert story.judged_by(LAW).status is Status.INCONCLUSIVE


def test_a_job_that_was_hurt_or_cancelled_is_no_case():
    hurt = sent().fault("kill_child", 2.0).watched(30.0)
    assert hurt.judged_by(LAW).status is Status.INCONCLUSIVE
    unwanted = sent().cancel("a", 2.0).watched(30.0)
    assert unwanted.judged_by(LAW).status is Status.INCONCLUSIVE


@st.composite
def legal(draw):
    how = draw(st.sampled_from(["soft_time_limit", "failure:ValueError"]))
    story = ended(draw(st.floats(4.0, 5.5)), how)
    story.say("agent.state", 5.6, "a", state="FAILURE", result="it took too long")
    return story.watched(20.0)


test_only_a_job_that_stops_at_its_soft_limit_holds = properties.of(
    LAW,
    legal(),
    Damage("success", changed("ledger.end", to={"how": "success"})),
    Damage("retry", changed("ledger.end", to={"how": "retry"})),
    Damage("works-on", moved("ledger.end", by_s=2.1)),
    Damage("never-ends", without("ledger.end")),
    Damage("starts-again", again("ledger.start", after_s=6.0)),
    Damage("stored-as-success", changed("agent.state", to={"state": "SUCCESS"})),
    Damage("not-started", without("ledger.start"), Status.INCONCLUSIVE),
)


def test_the_limit_counts_from_the_earliest_start_that_anybody_saw():
    """The journal's start comes when the job has a database, a model, a lease."""
    story = Story().submitted("a", 0.5)
    story.say("ledger.start", 1.0, "a", pid=10, role="child").started("a", 1.8)
    story.ended("a", 4.05, "returned").watched(9.0)
    assert story.judged_by(LAW).status is Status.VIOLATED
