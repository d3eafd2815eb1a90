import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, Edit, again, both, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

ONE = "terminal.exactly-one"
EVERY = "terminal.every-exit"

UNSAID = Status.INCONCLUSIVE

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


def test_hanging_up_right_after_the_ending_proves_nothing():
    story = watched_job().event("a", "completed", 1.0).watched(1.5)
    assert story.judged_by(ONE).status is Status.INCONCLUSIVE
    assert story.judged_by(ONE, quiet_s=0.4).status is Status.HOLDS


def test_a_subscriber_who_left_early_proves_nothing():
    story = watched_job().event("a", "completed", 1.0)
    story.say("driver.unsubscribed", 1.1, "a", subscriber="anna").watched(5.0)
    assert story.judged_by(ONE).status is Status.INCONCLUSIVE


def watched_by(people: int, before: int, ending: str, seen_s: float) -> Story:
    """Each of them sees the same progress and the same ending, a moment apart."""
    story = Story().submitted("a", 0.0)
    for n, person in enumerate(("anna", "ben", "clara")[:people]):
        story.subscribed("a", 0.1, by=person)
        for step in range(before):
            story.event("a", "progress", 0.2 + 0.1 * step, percent=step, by=person)
        story.event("a", ending, 1.0 + n * seen_s, by=person)
    return story.watched(9.0)


def told_anna(event: str, **data: object) -> Edit:
    return lambda story: story.event("a", event, 8.0, **data)


def otherwise(story: Story) -> Story:
    """Let somebody else be told an ending that nobody else was told."""
    story.subscribed("a", 0.1, by="dora")
    return story.event("a", "failed", 2.0, by="dora", reason="nobody knows")


test_only_one_ending_with_nothing_after_it_holds = properties.of(
    ONE,
    st.builds(
        watched_by,
        st.integers(1, 3),
        st.integers(0, 3),
        st.sampled_from(ENDINGS),
        st.floats(0.0, 2.0),
    ),
    Damage("it-comes-twice", again("driver.event", subscriber="anna", after_s=2.5)),
    Damage("completed-too", told_anna("completed")),
    Damage("failed-too", told_anna("failed")),
    Damage("cancelled-too", told_anna("cancelled")),
    Damage("it-goes-on", told_anna("progress", percent=50)),
    Damage("another-is-told-otherwise", otherwise),
    Damage("no-ending", without("driver.event"), UNSAID),
    Damage("nobody-watched", without("driver.subscribed"), UNSAID),
    Damage("never-submitted", without("driver.submitted"), UNSAID),
    Damage("not-watched-on", without("harness.heartbeat"), UNSAID),
)


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


#: What ends a job -> the ending that fits, and seconds it may take at most.
EXITS = {
    "returned": ("completed", 10.0),
    "raised:KeyError": ("failed", 10.0),
    "soft_time_limit": ("failed", 10.0),
    "cancelled": ("cancelled", 10.0),
    "cancel": ("cancelled", 10.0),
    "kill_child": ("failed", 16.0),
    "oom_child": ("failed", 16.0),
    "kill_main": ("failed", 20.0),
    "hard_time_limit": ("failed", 16.0),
}


@st.composite
def exited(draw, *hows: str) -> Story:
    """A job exits at 2.0 in one of these ways, and all who watch hear of it in time."""
    how = draw(st.sampled_from(hows))
    ending, within_s = EXITS[how]
    told_t = 2.0 + draw(st.floats(0.0, 0.99)) * within_s
    story = Story().submitted("a", 0.0, kind="unlimited").started("a", 0.3)
    if how == "cancel":
        story.cancel("a", 2.0)
    elif how == "hard_time_limit":
        story.reported("a", 2.0, how)
    elif how.startswith(("kill", "oom")):
        role, pid = ("worker", 1) if how == "kill_main" else ("child", 10)
        story.fault(how, 2.0, role, pid=pid)
    else:
        story.ended("a", 2.0, how)
    for person in ("anna", "ben")[: draw(st.integers(1, 2))]:
        story.subscribed("a", 0.1, by=person)
        story.event("a", "progress", 1.0, percent=5, by=person)
        story.event("a", ending, told_t, by=person)
    return story.watched(60.0)


def ending(**to: object) -> Edit:
    """Let one of them be told something else about the end."""

    def edit(story: Story) -> Story:
        (said,) = story.history.job("a").subscribers[0].terminals
        return changed("driver.event", subscriber="anna", event=said["event"], to=to)(
            story
        )

    return edit


def late(story: Story) -> Story:
    (said,) = story.history.job("a").subscribers[0].terminals
    return moved("driver.event", event=said["event"], by_s=20.0)(story)


SILENCE = ending(event="progress")

EXIT_DAMAGES = [
    Damage("no-ending", SILENCE),
    Damage("too-late", late),
    Damage("nobody-heard-a-word", without("driver.event")),
    Damage("nobody-watched", without("driver.subscribed"), UNSAID),
    Damage("not-watched", both(SILENCE, without("harness.heartbeat")), UNSAID),
]

test_only_a_completion_after_a_return_holds = properties.of(
    EVERY,
    exited("returned"),
    *EXIT_DAMAGES,
    Damage("told-failed", ending(event="failed", reason="error")),
    Damage("told-cancelled", ending(event="cancelled")),
    Damage("it-never-returned", without("journal.end"), UNSAID),
)

test_only_a_failure_with_a_reason_after_an_error_a_limit_or_a_death_holds = (
    properties.of(
        EVERY,
        exited(*(how for how, (ending, _) in EXITS.items() if ending == "failed")),
        *EXIT_DAMAGES,
        Damage("told-completed", ending(event="completed")),
        Damage("told-cancelled", ending(event="cancelled")),
        Damage("without-a-reason", ending(reason=None)),
    )
)

test_only_a_cancellation_after_a_cancel_holds = properties.of(
    EVERY,
    exited("cancelled", "cancel"),
    *EXIT_DAMAGES,
    Damage("told-completed", ending(event="completed")),
    Damage("told-failed", ending(event="failed", reason="error")),
)
