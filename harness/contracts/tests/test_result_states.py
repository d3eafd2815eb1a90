import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, Edit, both, changed, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "result.states-are-told-apart"

UNSAID = Status.INCONCLUSIVE


def asked(runs_s: float) -> Story:
    """Four jobs in four states, a fifth that nobody submitted, a sixth long over."""
    story = Story().status("nobody", 0.1, "", code=404)
    for job in ("runs", "waits", "fails", "gone", "old"):
        story.submitted(job, 0.5, "unlimited")
    end = 6.0 + runs_s
    story.started("old", 1.0, pid=4).ended("old", 1.5, pid=4)
    story.started("runs", 3.0, pid=1).status("runs", 4.5, "progress")
    for job in ("waits", "fails", "gone"):
        story.status(job, 4.5, "pending")
    story.cancel("gone", 5.0, "cancelled").status("gone", 5.1, "cancelled")
    story.say("harness.situation", 5.2, "old", name="result.expired")
    story.status("old", 5.3, "", code=410)
    story.ended("runs", end, pid=1).status("runs", end + 1.2, "completed")
    story.started("fails", end, pid=2).ended("fails", end + 1, "raised:E", pid=2)
    return story.status("fails", end + 3, "failed").watched(end + 3)


def told(job: str, to: str, code: int = 200, **instead: object) -> Edit:
    return changed("driver.status", job, to={"state": to, "code": code}, **instead)


test_only_a_state_of_its_own_for_each_holds = properties.of(
    LAW,
    st.builds(asked, st.floats(0.1, 5.0)),
    Damage("unknown-waits", told("nobody", "pending")),
    Damage("unknown-is-expired", told("nobody", "", 410)),
    Damage("waiting-is-unknown", told("waits", "", 404)),
    Damage("waiting-runs", told("waits", "started")),
    Damage("running-waits", told("runs", "pending", state="progress")),
    Damage("running-is-completed", told("runs", "completed", state="progress")),
    Damage("completed-failed", told("runs", "failed", state="completed")),
    Damage("failed-completed", told("fails", "completed", state="failed")),
    Damage("cancelled-failed", told("gone", "failed", state="cancelled")),
    Damage("expired-is-unknown", told("old", "", 404)),
    Damage("expired-waits", told("old", "pending")),
    Damage("an-error", told("waits", "", 500)),
    Damage("nobody-asked", without("driver.status"), UNSAID),
    Damage("nobody-answered", changed("driver.status", to={"code": None}), UNSAID),
)


def test_one_state_alone_is_told_apart_from_nothing():
    story = Story().submitted("a", 0.5).status("a", 1.0, "pending")
    assert story.judged_by(LAW).status is UNSAID
    story.started("a", 2.0).status("a", 4.0, "started")
    assert story.judged_by(LAW).status is Status.HOLDS


@pytest.mark.parametrize("state", ["pending", "started"])
def test_around_a_change_both_states_are_right(state):
    story = Story().submitted("a", 0.5).status("nobody", 0.1, "", code=404)
    story.started("a", 2.0).status("a", 2.9, state)
    assert story.judged_by(LAW).status is Status.HOLDS


def test_an_answer_may_have_been_long_under_way():
    story = asked(1.0)
    late = both(
        told("runs", "pending", state="progress"),
        changed("driver.status", "runs", to={"took_s": 2.0}, state="pending"),
    )
    assert late(story).judged_by(LAW).status is Status.HOLDS


def test_between_two_tries_a_job_waits():
    story = Story().submitted("a", 0.5).status("nobody", 0.1, "", code=404)
    story.started("a", 1.0, pid=1).ended("a", 2.0, "raised:Gone", pid=1)
    story.started("a", 8.0, pid=2).status("a", 5.0, "pending")
    assert story.judged_by(LAW).status is Status.HOLDS
    failed = told("a", "failed")(story)
    assert failed.judged_by(LAW).status is Status.VIOLATED
