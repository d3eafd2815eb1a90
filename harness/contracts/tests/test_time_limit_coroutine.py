import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, both, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "time_limit.coroutine-cleans-up"

UNSAID = Status.INCONCLUSIVE


def stopped(grace_s: float = 0.2, rest_s: float = 0.5, pid: int = 11) -> Story:
    """A coroutine with a soft limit of 3 s, begun at 1.0, and a job behind it."""
    story = Story(coroutines=["short"])
    story.submitted("a", 0.5).submitted("next", 0.6, kind="unlimited")
    story.started("a", 1.0).say(
        "journal.mark", 4.0 + grace_s / 2, "a", pid=10, name="coroutine cleanup"
    )
    story.ended("a", 4.0 + grace_s, "soft_time_limit")
    begin = 4.0 + grace_s + rest_s
    story.started("next", begin, pid=pid).ended("next", begin + 0.3, pid=pid)
    return story.watched(begin + 0.4)


def test_a_coroutine_that_cleans_up_and_a_next_job_that_works_hold():
    verdict = stopped().judged_by(LAW)
    assert verdict.status is Status.HOLDS
    assert verdict.measured["soft_grace_s"] == pytest.approx(0.2)
    assert "in another process" in verdict.summary
    assert "in the same process" in stopped(pid=10).judged_by(LAW).summary


def test_clean_up_that_comes_when_the_collector_finds_it_is_too_late():
    verdict = moved("journal.mark", by_s=0.3)(stopped()).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "did not run before" in verdict.summary


def test_a_job_that_is_no_coroutine_is_another_laws():
    story = stopped()
    assert story.history.run["coroutines"] == ["short"]
    told = changed("harness.run", to={"coroutines": []})(story)
    assert told.judged_by(LAW).status is UNSAID


def test_one_that_hears_nothing_is_violated_when_its_time_has_come():
    story = Story(coroutines=["short"]).submitted("a", 0.5).started("a", 1.0)
    assert story.watched(5.0).judged_by(LAW).due_t == pytest.approx(6.0)
    verdict = story.watched(6.5).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "went on past" in verdict.summary


def test_one_that_failed_before_its_limit_or_was_cancelled_says_nothing():
    failed = moved("journal.end", "a", by_s=-2.0)(stopped())
    assert failed.judged_by(LAW).status is UNSAID
    assert stopped().cancel("a", 2.0).judged_by(LAW).status is UNSAID


LATE = moved("journal.end", "next", by_s=10.1)

test_only_a_coroutine_that_cleans_up_and_spoils_nothing_holds = properties.of(
    LAW,
    st.builds(
        stopped, st.floats(0.0, 1.9), st.floats(0.0, 9.9), st.sampled_from([10, 11])
    ),
    Damage("no-clean-up", without("journal.mark")),
    Damage("ended-late", moved("journal.end", "a", by_s=2.1)),
    Damage("swallowed", changed("journal.end", "a", to={"how": "returned"})),
    Damage("next-fails", changed("journal.end", "next", to={"how": "raised:X"})),
    Damage("next-late", both(LATE, moved("journal.start", "next", by_s=10.1))),
    Damage("next-never-ends", without("journal.end", "next"), UNSAID),
    Damage("nobody-waited", without("driver.submitted", "next"), UNSAID),
    Damage("never-began", without("journal.start", "a"), UNSAID),
)
