import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, both, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "cancel.hits-only-its-job"

UNSAID = Status.INCONCLUSIVE


def in_a_row(begin_s: float = 0.1, took_s: float = 0.5, people: int = 2) -> Story:
    """A job is cancelled; those behind it run one after the other, in one process."""
    story = Story().submitted("a", 0.0).subscribed("a", 0.1).started("a", 0.5)
    names = [f"b{number}" for number in range(people)]
    for name in names:
        story.submitted(name, 0.2)
    story.cancel("a", 1.0).ended("a", 1.1, "cancelled").event("a", "cancelled", 1.2)
    t = 1.2
    for name in names:
        story.started(name, t + begin_s)
        t += begin_s + took_s
        story.ended(name, t).status(name, t + 0.05, "completed")
    return story.watched(t + 1.0)


def unknown(code: int = 404) -> Story:
    story = Story().say("driver.cancel", 1.0, "nobody", code=code, answer=None)
    return story.watched(3.0)


def too_late(answer: str = "already_complete", code: int = 200) -> Story:
    """A job has ended, and is cancelled then."""
    story = Story().submitted("a", 0.0).started("a", 0.5).ended("a", 1.0)
    story.status("a", 1.1, "completed")
    story.say("driver.cancel", 2.0, "a", code=code, answer=answer, took_s=0.01)
    return story.status("a", 2.1, "completed").watched(3.0)


def lost_and_run_again(story: Story) -> Story:
    """The first one behind loses its process, and is run again by another."""
    (end,) = story.history.of(source="journal", kind="end", job="b0")
    story = without("journal.end", "b0")(story)
    return story.started("b0", end.t, pid=11).ended("b0", end.t + 0.02, pid=11)


def dies(story: Story) -> Story:
    (end,) = story.history.of(source="journal", kind="end", job="b0")
    return without("journal.end", "b0")(story).gone(end.t)


def lost_before_it_began(story: Story) -> Story:
    """Its process is gone between the worker's first line and its function's."""
    (start,) = story.history.of(source="journal", kind="start", job="b0")
    story = without("journal.start", "b0")(without("journal.end", "b0")(story))
    story.say("ledger.start", start.t, "b0", pid=10, role="child")
    return story.say("ledger.end", start.t + 0.1, "b0", pid=9, how="lost")


test_only_a_cancel_that_leaves_the_others_alone_holds = properties.of(
    LAW,
    st.builds(in_a_row, st.floats(0.0, 3.0), st.floats(0.1, 3.0), st.integers(1, 4)),
    Damage("lost-and-run-again", lost_and_run_again),
    Damage("dies", dies),
    Damage("lost-before-it-began", lost_before_it_began),
    Damage("stopped-too", changed("journal.end", "b0", to={"how": "cancelled"})),
    Damage("told-cancelled", changed("driver.status", "b0", to={"state": "cancelled"})),
    Damage("its-end-not-seen", without("journal.end", "b0"), UNSAID),
    Damage("nobody-was-told", without("driver.status", "b0"), UNSAID),
    Damage("nobody-cancelled", without("driver.cancel"), UNSAID),
)


def accepts(story: Story) -> Story:
    answer = {"code": 200, "answer": "cancelled"}
    return changed("driver.cancel", to=answer)(story)


def turns(story: Story) -> Story:
    return story.status("a", 2.2, "cancelled")


test_only_a_cancel_that_comes_too_late_and_changes_nothing_holds = properties.of(
    LAW,
    st.builds(too_late, st.just("already_complete"), st.sampled_from([200, 409, 410])),
    Damage("accepted", accepts),
    Damage("turns-into-cancelled", turns),
    Damage("not-found", changed("driver.cancel", to={"code": 404})),
    Damage("an-error", changed("driver.cancel", to={"code": 500})),
    Damage("nobody-asked-later", without("driver.status", state="completed"), UNSAID),
    Damage("nobody-cancelled", without("driver.cancel"), UNSAID),
)


def test_an_unknown_id_is_not_found():
    assert unknown().judged_by(LAW).status is Status.HOLDS
    verdict = unknown(200).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "nobody submitted" in verdict.summary


@pytest.mark.parametrize("late_s", [0.0, 0.3])
def test_a_job_refused_as_over_may_be_told_so_later(late_s):
    """The cancel comes between the job's end and what its user hears of it."""
    story = without("driver.status")(too_late())
    assert story.judged_by(LAW).status is UNSAID
    story.status("a", 2.0 + late_s, "completed")
    assert story.judged_by(LAW).status is Status.HOLDS
    assert turns(story).judged_by(LAW).status is Status.VIOLATED


def test_at_the_instant_of_its_end_either_may_win_but_not_both():
    story = both(without("driver.status"), accepts)(too_late())
    story.submitted("b", 0.1).started("b", 2.1, 11).ended("b", 2.5, pid=11)
    story.status("b", 2.6, "completed").status("a", 2.6, "cancelled").watched(4.0)
    assert story.judged_by(LAW).status is Status.HOLDS
    story.event("a", "completed", 2.7)
    assert story.judged_by(LAW).status is Status.VIOLATED


def test_a_job_beside_that_fails_by_itself_is_not_hit():
    story = in_a_row()
    for name, to in (
        ("journal.end", {"how": "soft_time_limit"}),
        ("driver.status", {"state": "failed"}),
    ):
        story = changed(name, "b0", to=to)(story)
    assert story.judged_by(LAW).status is Status.HOLDS


def test_a_job_beside_that_was_over_before_is_none():
    story = moved("driver.cancel", by_s=60.0)(in_a_row()).watched(70.0)
    assert story.judged_by(LAW).status is not Status.HOLDS
