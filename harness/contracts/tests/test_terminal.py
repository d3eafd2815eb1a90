import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.tests.story import Story
from harness.verdict import Status

ONE = "terminal.exactly-one"
EVERY = "terminal.every-exit"

ENDINGS = ("completed", "failed", "cancelled")


def watched_job() -> Story:
    story = Story().submitted("a", 0.0).subscribed("a", 0.1)
    return story.event("a", "progress", 0.5, percent=5)


# terminal.exactly-one


@pytest.mark.parametrize("ending", ENDINGS)
def test_one_ending_and_silence_after_it_holds(ending):
    story = watched_job().event("a", ending, 1.0).watched(2.5)
    verdict = story.judged_by(ONE)
    assert verdict.status is Status.HOLDS
    assert verdict.evidence == (5,)


def test_two_endings_are_violated():
    story = watched_job().event("a", "completed", 1.0).event("a", "completed", 1.2)
    verdict = story.watched(4.0).judged_by(ONE)
    assert verdict.status is Status.VIOLATED
    assert verdict.evidence == (5, 6)
    assert "2 endings" in verdict.summary


def test_progress_after_the_end_is_violated():
    story = watched_job().event("a", "cancelled", 1.0)
    story.event("a", "progress", 1.4, percent=50).watched(4.0)
    verdict = story.judged_by(ONE)
    assert verdict.status is Status.VIOLATED
    assert "0.40 s later" in verdict.observed


@pytest.mark.parametrize(
    ("event", "reason"), [("cancelled", None), ("failed", "hard_time_limit")]
)
def test_two_people_who_see_different_endings_are_violated(event, reason):
    story = watched_job().subscribed("a", 0.2, by="ben")
    story.event("a", "failed", 1.0, reason="lost")
    story.event("a", event, 1.0, by="ben", reason=reason).watched(4.0)
    assert story.judged_by(ONE).status is Status.VIOLATED


def test_no_ending_is_not_this_laws_business():
    assert watched_job().watched(9.0).judged_by(ONE).status is Status.INCONCLUSIVE


def test_hanging_up_right_after_the_ending_proves_nothing():
    story = watched_job().event("a", "completed", 1.0).watched(1.5)
    assert story.judged_by(ONE).status is Status.INCONCLUSIVE
    assert story.judged_by(ONE, quiet_s=0.4).status is Status.HOLDS


def test_a_subscriber_who_left_early_proves_nothing():
    story = watched_job().event("a", "completed", 1.0)
    story.say("driver.unsubscribed", 1.1, "a", subscriber="anna").watched(5.0)
    assert story.judged_by(ONE).status is Status.INCONCLUSIVE


@given(
    before=st.integers(0, 6),
    ending=st.sampled_from(ENDINGS),
    extra=st.sampled_from(["progress", *ENDINGS]),
)
def test_any_story_with_one_ending_holds_and_with_anything_after_it_does_not(
    before, ending, extra
):
    def told() -> Story:
        story = Story().submitted("a", 0.0).subscribed("a", 0.0)
        for n in range(before):
            story.event("a", "progress", 0.1 * n, percent=n)
        return story.event("a", ending, 1.0)

    assert told().watched(3.0).judged_by(ONE).status is Status.HOLDS
    more = told().event("a", extra, 1.5).watched(3.0)
    assert more.judged_by(ONE).status is Status.VIOLATED


# terminal.every-exit


def test_a_job_that_returned_and_completed_in_time_holds():
    story = watched_job().started("a", 0.3).ended("a", 1.0)
    verdict = story.event("a", "completed", 1.2).watched(3.0).judged_by(EVERY)
    assert verdict.status is Status.HOLDS
    assert verdict.measured["t_term_s"] == pytest.approx(0.2)


def test_an_ending_that_never_comes_is_violated_only_after_its_time():
    story = watched_job().started("a", 0.3).ended("a", 1.0)
    assert story.watched(10.0).judged_by(EVERY).status is Status.INCONCLUSIVE
    verdict = story.watched(11.5).judged_by(EVERY)
    assert verdict.status is Status.VIOLATED
    assert verdict.timed
    assert "got no ending" in verdict.summary


def test_an_ending_that_comes_too_late_is_violated():
    story = watched_job().started("a", 0.3).ended("a", 1.0)
    story.event("a", "completed", 12.0).watched(14.0)
    assert story.judged_by(EVERY).status is Status.VIOLATED


@pytest.mark.parametrize(
    ("how", "ending", "status"),
    [
        ("returned", "failed", Status.VIOLATED),
        ("returned", "completed", Status.HOLDS),
        ("raised:ValueError", "completed", Status.VIOLATED),
        ("raised:ValueError", "failed", Status.HOLDS),
        ("soft_time_limit", "failed", Status.HOLDS),
        ("soft_time_limit", "completed", Status.VIOLATED),
        ("cancelled", "cancelled", Status.HOLDS),
        ("cancelled", "completed", Status.VIOLATED),
    ],
)
def test_the_ending_fits_the_way_the_job_ended(how, ending, status):
    story = watched_job().started("a", 0.3).ended("a", 1.0, how)
    story.event("a", ending, 1.2).watched(3.0)
    assert story.judged_by(EVERY).status is status


def test_failed_without_a_reason_is_violated():
    story = watched_job().started("a", 0.3).ended("a", 1.0, "raised:ValueError")
    story.event("a", "failed", 1.2, reason=None).watched(3.0)
    assert story.judged_by(EVERY).status is Status.VIOLATED


def test_a_killed_child_may_be_noticed_late_but_must_fail():
    def killed() -> Story:
        return watched_job().started("a", 0.3).fault("kill_child", 1.0)

    late = killed().event("a", "failed", 15.0, reason="lost").watched(16.0)
    assert late.judged_by(EVERY).status is Status.HOLDS
    wrong = killed().event("a", "completed", 2.0).watched(16.0)
    assert wrong.judged_by(EVERY).status is Status.VIOLATED
    never = killed().watched(18.0)
    assert never.judged_by(EVERY).status is Status.VIOLATED


def test_a_killed_worker_has_the_bound_of_the_reconciler():
    story = watched_job().started("a", 0.3).fault("kill_main", 1.0, "worker", pid=1)
    assert story.watched(19.0).judged_by(EVERY).status is Status.INCONCLUSIVE
    assert story.watched(22.0).judged_by(EVERY).status is Status.VIOLATED
    story = watched_job().started("a", 0.3).fault("kill_main", 1.0, "worker", pid=1)
    story.event("a", "failed", 4.0, reason="lost").watched(6.0)
    assert story.judged_by(EVERY).measured == {"main_lost_s": pytest.approx(3.0)}


def test_a_child_killed_before_its_result_was_shown_may_end_either_way():
    for ending in ("completed", "failed"):
        story = watched_job().started("a", 0.3).ended("a", 1.0)
        story.fault("kill_child", 1.1).event("a", ending, 3.0).watched(5.0)
        assert story.judged_by(EVERY).status is Status.HOLDS, ending


def test_a_result_that_was_shown_is_announced_whoever_dies():
    for ending, status in (
        ("completed", Status.HOLDS),
        ("failed", Status.VIOLATED),
    ):
        story = watched_job().started("a", 0.3).ended("a", 1.0)
        story.status("a", 1.05, "completed", on_event=None)
        story.fault("kill_child", 1.1).event("a", ending, 3.0).watched(5.0)
        assert story.judged_by(EVERY).status is status


def test_while_redis_is_out_nobody_can_announce():
    story = watched_job().started("a", 0.3).fault("pause", 0.8, "redis", pid=2)
    story.ended("a", 1.0).healed("pause", 9.0)
    story.event("a", "completed", 18.0).watched(20.0)
    verdict = story.judged_by(EVERY)
    assert verdict.status is Status.HOLDS
    assert verdict.measured["t_term_s"] == pytest.approx(9.0)


def test_a_frozen_job_is_due_after_its_hard_limit():
    def frozen() -> Story:
        return watched_job().started("a", 0.3).fault("pause_child", 1.0)

    assert frozen().watched(5.0).judged_by(EVERY).status is Status.INCONCLUSIVE
    assert frozen().watched(22.0).judged_by(EVERY).status is Status.VIOLATED
    story = frozen().reported("a", 5.4, "hard_time_limit")
    story.event("a", "failed", 5.5, reason="hard_time_limit").watched(7.0)
    assert story.judged_by(EVERY).status is Status.HOLDS


def test_a_cancelled_job_ends_cancelled_though_its_child_is_killed():
    def cancelled() -> Story:
        story = watched_job().started("a", 0.3).cancel("a", 1.0)
        return story.ended("a", 1.6, "raised:SystemExit").reported("a", 6.0, "lost")

    right = cancelled().event("a", "cancelled", 1.9).watched(4.0)
    assert right.judged_by(EVERY).status is Status.HOLDS
    wrong = cancelled().event("a", "failed", 6.1, reason="lost").watched(8.0)
    assert wrong.judged_by(EVERY).status is Status.VIOLATED


def test_a_cancel_that_came_too_late_leaves_completed():
    story = watched_job().started("a", 0.3).ended("a", 1.0).cancel("a", 1.01)
    story.event("a", "completed", 1.1).watched(3.0)
    assert story.judged_by(EVERY).status is Status.HOLDS


def test_a_cancel_that_is_ignored_until_a_limit_strikes_is_violated():
    story = watched_job().started("a", 0.3).cancel("a", 1.0)
    story.ended("a", 3.4, "soft_time_limit")
    story.event("a", "failed", 3.5, reason="soft_time_limit").watched(6.0)
    assert story.judged_by(EVERY).status is Status.VIOLATED


def test_a_job_cancelled_in_the_queue_needs_no_run():
    story = Story().submitted("a", 0.0).subscribed("a", 0.1).cancel("a", 0.5)
    story.event("a", "cancelled", 0.6).watched(3.0)
    assert story.judged_by(EVERY).status is Status.HOLDS


def test_a_cancel_of_a_finished_job_is_no_exit():
    story = watched_job().started("a", 0.3).ended("a", 1.0)
    story.event("a", "completed", 1.1).cancel("a", 2.0, "already_complete")
    assert story.watched(4.0).judged_by(EVERY).status is Status.HOLDS


def test_a_job_whose_exit_nobody_saw_is_inconclusive():
    story = watched_job().started("a", 0.3)
    story = story.event("a", "failed", 1.0, reason="lost").watched(3.0)
    assert story.judged_by(EVERY).status is Status.INCONCLUSIVE


@given(
    how=st.sampled_from(
        ["returned", "raised:KeyError", "soft_time_limit", "cancelled"]
    ),
    delay_s=st.floats(0.0, 9.9),
)
def test_every_exit_with_its_ending_in_time_holds_and_without_it_does_not(how, delay_s):
    fits = {"returned": "completed", "cancelled": "cancelled"}.get(how, "failed")
    story = watched_job().started("a", 0.3).ended("a", 1.0, how)
    assert story.watched(1.0).judged_by(EVERY).status is Status.INCONCLUSIVE
    story.event("a", fits, 1.0 + delay_s).watched(20.0)
    assert story.judged_by(EVERY).status is Status.HOLDS
    silent = watched_job().started("a", 0.3).ended("a", 1.0, how).watched(20.0)
    assert silent.judged_by(EVERY).status is Status.VIOLATED
