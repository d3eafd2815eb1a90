import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, Edit, again, both, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "result.views-agree"

UNSAID = Status.INCONCLUSIVE


def seen(ending: str, later_s: float) -> Story:
    """A job in three views; the record and a second look come later."""
    story = Story().submitted("a", 0.5).subscribed("a", 0.6)
    story.status("a", 0.7, "pending", on_event=None)
    story.event("a", "progress", 1.0).status("a", 1.2, "started", on_event=None)
    story.event("a", ending, 2.0).status("a", 2.1, ending, result_digest="x")
    story.say("probe.row", 2.1 + later_s, "a", state=ending)
    story.status("a", 2.2 + later_s, ending, on_event=None, result_digest="x")
    return story.watched(30.0)


def status(to: str, **which: object) -> Edit:
    return changed("driver.status", to={"state": to}, **which)


def late(story: Story) -> Story:
    """One view still says that it runs when all others know the ending for long."""
    return story.say("probe.row", 25.0, "a", state="started")


def changes_after(story: Story) -> Story:
    ending = story.history.of(source="probe", kind="row")[0]["state"]
    other = "failed" if ending == "completed" else "completed"
    return story.status("a", 25.0, other, result_digest="x")


def another_result(story: Story) -> Story:
    ending = story.history.of(source="probe", kind="row")[0]["state"]
    return story.status("a", 25.0, ending, result_digest="y")


def silent(story: Story) -> Story:
    return changed("driver.event", to={"event": "progress"})(story)


test_only_views_that_tell_one_story_hold = properties.of(
    LAW,
    st.builds(
        seen, st.sampled_from(["completed", "failed", "cancelled"]), st.floats(0.0, 9)
    ),
    Damage("ending-changes", changes_after),
    Damage("result-changes", another_result),
    Damage("runs-for-ever-in-one", late),
    Damage("waits-again", again("driver.status", after_s=0.6, state="pending")),
    Damage("unknown-meanwhile", status("unknown", state="started")),
    Damage("no-ending-event", silent),
    Damage(
        "no-ending-event-yet",
        both(silent, moved("harness.heartbeat", by_s=-20)),
        UNSAID,
    ),
    Damage(
        "no-ending-at-all",
        both(silent, without("driver.status", result_digest="x"), without("probe.row")),
        UNSAID,
    ),
    Damage("one-view", both(without("driver.event"), without("probe.row")), UNSAID),
)


def test_another_ending_in_another_view_is_no_matter_of_time():
    story = changed("probe.row", to={"state": "failed"})(seen("completed", 0.1))
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert not verdict.timed


def test_of_answers_under_way_at_once_nobody_knows_the_older():
    story = seen("completed", 1.0)
    story.status("a", 2.12, "started", on_event=None, took_s=0.05)
    assert story.judged_by(LAW).status is Status.HOLDS
    story.status("a", 2.5, "started", on_event=None, took_s=0.05)
    assert story.judged_by(LAW).status is Status.VIOLATED


def test_a_job_may_wait_again_before_another_try():
    story = again("driver.status", after_s=0.6, state="pending")(seen("failed", 1.0))
    assert story.judged_by(LAW).status is Status.VIOLATED
    story.started("a", 1.5, pid=2)
    assert story.judged_by(LAW).status is Status.HOLDS


def test_who_comes_late_is_told_everything_again():
    story = seen("completed", 1.0).subscribed("a", 20.0, "ben", late=True)
    story.event("a", "progress", 20.1, by="ben").event("a", "completed", 20.2, by="ben")
    assert story.judged_by(LAW).status is Status.HOLDS


def test_an_expired_job_is_none_of_its_states():
    story = seen("completed", 1.0).status("a", 28.0, "", code=410)
    assert story.judged_by(LAW).status is Status.HOLDS


@pytest.mark.parametrize(("healed", "becomes"), [(9.0, "holds"), (2.5, "violated")])
def test_while_redis_is_out_nobody_can_tell(healed, becomes):
    story = silent(seen("completed", 0.1)).fault("pause_writes", 1.5, "redis", pid=3)
    story.healed("pause_writes", healed, role="redis")
    story.event("a", "completed", 14.0)
    assert story.judged_by(LAW).status == becomes
