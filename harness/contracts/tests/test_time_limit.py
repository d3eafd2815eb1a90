import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.tests.story import Story
from harness.verdict import Status

SOFT = "time_limit.soft-limit-cleans-up"
HARD = "time_limit.hard-limit-kills"


def watched_run() -> Story:
    """A job with limits of 3 and 5 s whose run starts at 1.0."""
    return Story().submitted("a", 0.0).subscribed("a", 0.1).started("a", 1.0)


# time_limit.soft-limit-cleans-up


def stopped_softly(t: float = 4.1) -> Story:
    return watched_run().cleaned("a", t).ended("a", t, "soft_time_limit")


def test_stopped_cleaned_up_and_told_holds():
    story = stopped_softly().event("a", "failed", 4.2, reason="soft_time_limit")
    verdict = story.watched(7.0).judged_by(SOFT)
    assert verdict.status is Status.HOLDS
    assert verdict.measured["soft_grace_s"] == pytest.approx(0.1)


def test_a_stop_without_clean_up_is_violated():
    story = watched_run().ended("a", 4.1, "soft_time_limit")
    story.event("a", "failed", 4.2, reason="soft_time_limit").watched(7.0)
    verdict = story.judged_by(SOFT)
    assert verdict.status is Status.VIOLATED
    assert "cleaned nothing up" in verdict.summary


@pytest.mark.parametrize(
    ("event", "reason"), [("completed", None), ("failed", "error"), ("failed", "lost")]
)
def test_another_ending_than_failed_by_the_soft_limit_is_violated(event, reason):
    story = stopped_softly().event("a", event, 4.2, reason=reason).watched(7.0)
    assert story.judged_by(SOFT).status is Status.VIOLATED


def test_an_ending_after_the_hard_limit_is_violated():
    story = stopped_softly().event("a", "failed", 6.2, reason="soft_time_limit")
    assert story.watched(8.0).judged_by(SOFT).status is Status.VIOLATED


def test_a_run_that_goes_on_is_violated():
    story = watched_run().ended("a", 6.5).event("a", "completed", 6.6).watched(8.0)
    assert story.judged_by(SOFT).status is Status.VIOLATED


def test_a_run_that_only_its_hard_limit_ends_is_violated():
    story = watched_run().reported("a", 6.1, "hard_time_limit")
    story.event("a", "failed", 6.2, reason="hard_time_limit").watched(9.0)
    verdict = story.judged_by(SOFT)
    assert verdict.status is Status.VIOLATED
    assert "hard_time_limit" in verdict.observed


def test_a_hard_limit_right_after_the_soft_one_leaves_no_doubt():
    """The child leaves by SIGTERM within the grace, because the hard limit struck."""
    story = watched_run().ended("a", 5.9, "raised:SystemExit")
    story.reported("a", 5.9, "hard_time_limit")
    story.event("a", "failed", 6.0, reason="hard_time_limit").watched(9.0)
    assert story.judged_by(SOFT).status is Status.VIOLATED


def test_a_run_that_was_done_before_its_limit_is_no_case():
    story = watched_run().ended("a", 2.0).event("a", "completed", 2.1).watched(9.0)
    assert story.judged_by(SOFT).status is Status.INCONCLUSIVE


def test_a_frozen_run_is_no_case_for_the_soft_limit():
    story = watched_run().fault("pause_child", 2.0).watched(20.0)
    assert story.judged_by(SOFT).status is Status.INCONCLUSIVE


@given(overrun_s=st.floats(0.0, 1.8), damage=st.sampled_from(["mark", "end", "event"]))
def test_any_orderly_stop_holds_and_with_one_line_missing_it_does_not(
    overrun_s, damage
):
    def told(missing: str = "") -> Story:
        story, t = watched_run(), 4.0 + overrun_s
        if missing != "mark":
            story.cleaned("a", t)
        if missing != "end":
            story.ended("a", t, "soft_time_limit")
        if missing != "event":
            story.event("a", "failed", t + 0.1, reason="soft_time_limit")
        return story.watched(9.0)

    assert told().judged_by(SOFT).status is Status.HOLDS
    assert told(damage).judged_by(SOFT).status is Status.VIOLATED


# time_limit.hard-limit-kills


def killed(gone_t: float = 6.2, next_t: float | None = 7.0) -> Story:
    """The run froze; its limit is at 6.0; another job waits."""
    story = watched_run().submitted("b", 1.5).fault("pause_child", 2.0)
    story.gone(gone_t).reported("a", gone_t, "hard_time_limit")
    story.event("a", "failed", gone_t + 0.1, reason="hard_time_limit")
    if next_t is not None:
        story.started("b", next_t, pid=11).ended("b", next_t + 0.5, pid=11)
    return story.watched(30.0)


def test_gone_told_and_succeeded_holds():
    verdict = killed().judged_by(HARD)
    assert verdict.status is Status.HOLDS
    assert verdict.measured["kill_s"] == pytest.approx(0.2)
    assert verdict.measured["t_rec_s"] == pytest.approx(0.8)


def test_a_process_that_goes_late_is_violated():
    assert killed(gone_t=8.5, next_t=9.0).judged_by(HARD).status is Status.VIOLATED


def test_a_process_that_writes_after_its_limit_is_violated():
    story = watched_run().fault("pause_child", 2.0).healed("pause_child", 20.0)
    story.ended("a", 20.5, "soft_time_limit").watched(25.0)
    verdict = story.judged_by(HARD)
    assert verdict.status is Status.VIOLATED
    assert not verdict.timed
    assert "outlived" in verdict.summary


def test_a_place_that_stays_empty_is_violated():
    assert killed(next_t=None).judged_by(HARD).status is Status.VIOLATED
    assert killed(next_t=20.0).judged_by(HARD).status is Status.VIOLATED


def test_another_story_for_the_user_is_violated():
    story = watched_run().submitted("b", 1.5).gone(6.1)
    story.event("a", "completed", 6.2).started("b", 7.0, pid=11).watched(9.0)
    assert story.judged_by(HARD).status is Status.VIOLATED


def test_without_a_job_to_follow_nothing_can_be_said():
    story = watched_run().gone(6.1).event("a", "failed", 6.2, reason="hard_time_limit")
    assert story.watched(30.0).judged_by(HARD).status is Status.INCONCLUSIVE


def test_a_process_nobody_looked_at_is_inconclusive():
    story = watched_run().submitted("b", 1.5).fault("pause_child", 2.0)
    assert story.watched(30.0).judged_by(HARD).status is Status.INCONCLUSIVE


def test_a_run_within_its_limit_is_no_case():
    story = watched_run().ended("a", 2.0).watched(30.0)
    assert story.judged_by(HARD).status is Status.INCONCLUSIVE


def test_a_run_that_a_fault_killed_is_no_case():
    story = watched_run().fault("kill_child", 2.0).gone(2.0).watched(30.0)
    assert story.judged_by(HARD).status is Status.INCONCLUSIVE


@given(gone_s=st.floats(0.0, 1.9), next_s=st.floats(0.0, 9.9))
def test_any_prompt_kill_and_successor_holds(gone_s, next_s):
    gone_t = 6.0 + gone_s
    assert killed(gone_t, gone_t + next_s).judged_by(HARD).status is Status.HOLDS
    late = killed(gone_t, gone_t + 10.5 + next_s)
    assert late.judged_by(HARD).status is Status.VIOLATED
