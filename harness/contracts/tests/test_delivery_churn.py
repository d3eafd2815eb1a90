import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, again, both, changed, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "delivery.churn-loses-nothing"

UNSAID = Status.INCONCLUSIVE


def churned(runs: int = 2, ends: str = "completed", at_t: float = 9.0) -> Story:
    """Two jobs: one is killed and run again, the other has its worker cut off."""
    story = Story().submitted("a", 0.0).subscribed("a", 0.1)
    story.submitted("b", 0.2).subscribed("b", 0.3, by="ben")
    for n in range(runs):
        story.started("a", 1.0 + n, pid=10 + n)
    story.fault("kill_child", 1.5, pid=10)
    story.ended("a", at_t - 0.1, pid=10 + runs - 1)
    story.event("a", ends, at_t)
    story.started("b", at_t, pid=30)
    story.fault("cut_connections", at_t + 0.1, role="worker", pid=5)
    story.ended("b", at_t + 0.5, pid=30)
    return story.event("b", "completed", at_t + 0.6, by="ben")


def test_the_counts_are_told():
    verdict = churned(3, "failed").watched(20.0).judged_by(LAW)
    assert verdict.status is Status.HOLDS
    assert verdict.summary == (
        "2 accepted = 2 ended (1 failed, 1 completed), 4 executions, at most 3 of one "
        "job, hit by 1 kill_child, 1 cut_connections."
    )
    assert verdict.measured["attempts"] == 3


def test_a_job_that_never_ends_is_violated_when_nothing_happens_any_more():
    lost = without("driver.event", "a")(churned())
    assert lost.watched(20.0).judged_by(LAW).due_t == pytest.approx(39.6)
    verdict = lost.watched(40.0).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert verdict.timed
    assert verdict.job == "a"


def test_a_page_that_left_before_the_ending_proves_nothing():
    story = churned().submitted("c", 0.4).subscribed("c", 0.5, by="cem")
    story.say("driver.unsubscribed", 1.0, "c", subscriber="cem")
    verdict = story.watched(60.0).judged_by(LAW)
    assert verdict.status is UNSAID
    assert verdict.due_t is None


def test_a_repeated_submit_is_refused_or_the_same_job():
    def repeated(id: str | None, code: int) -> Status:
        story = churned().say("driver.repeated", 0.1, "a", id=id, code=code)
        return story.watched(60.0).judged_by(LAW).status

    assert repeated("a", 202) is Status.HOLDS
    assert repeated(None, 429) is Status.HOLDS
    assert repeated("b", 202) is Status.VIOLATED


def both_ways(story: Story) -> Story:
    return story.event("a", "failed", 12.0)


def once_more(story: Story) -> Story:
    return story.started("a", 7.0, pid=17).started("a", 8.0, pid=18)


test_only_jobs_that_end_once_hold = properties.of(
    LAW,
    st.builds(
        lambda *told: churned(*told).watched(60.0),
        st.integers(1, 3),
        st.sampled_from(["completed", "failed", "cancelled"]),
        st.floats(5.0, 20.0),
    ),
    Damage("ends-never", without("driver.event", "a")),
    Damage("ends-twice", both_ways),
    Damage("is-told-twice", again("driver.event", "b", after_s=0.2)),
    Damage("runs-too-often", both(once_more, once_more)),
    Damage("nothing-bit", changed("fault.injected", to={"bit": False}), UNSAID),
    Damage("nothing-was-hurt", without("fault.injected"), UNSAID),
    Damage("nobody-watched", without("driver.subscribed"), UNSAID),
    Damage("never-submitted", without("driver.submitted"), UNSAID),
)
