import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, Edit, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "shutdown.loses-no-job"

UNSAID = Status.INCONCLUSIVE


def asked_to_leave(left_t: float | None = 3.0) -> Story:
    """One task runs from 1.0, one waits; SIGTERM at 2.0."""
    story = Story().say("send.accepted", 0.5, "runs").say("send.accepted", 0.6, "waits")
    start(story, "runs", 1.0, 10)
    story.fault("terminate", 2.0, role="worker", pid=5)
    if left_t is not None:
        story.say("stack.exited", left_t, role="worker", pid=5, code=0)
    return story


def start(story: Story, job: str, t: float, pid: int) -> Story:
    return story.say("ledger.start", t, job, pid=pid, role="child")


def end(story: Story, job: str, t: float, pid: int, how: str = "success") -> Story:
    return story.say("ledger.end", t, job, pid=pid, role="child", how=how)


def ran_by_the_next(story: Story, job: str, t: float) -> Story:
    return end(start(story, job, t, 20), job, t + 0.5, 20)


def test_a_warm_shutdown_and_a_next_worker_hold():
    story = end(asked_to_leave(), "runs", 2.9, 10)
    verdict = ran_by_the_next(story, "waits", 9.0).watched(10.0).judged_by(LAW)
    assert verdict.status is Status.HOLDS
    assert verdict.measured["grace_s"] == pytest.approx(1.0)
    assert verdict.measured["t_rec_s"] == pytest.approx(6.5)


@pytest.mark.parametrize("how", ["retry", "terminated", "lost", "failure:OSError"])
def test_a_running_job_that_ends_otherwise_is_violated(how):
    story = end(asked_to_leave(), "runs", 2.1, 10, how)
    story = ran_by_the_next(story, "waits", 9.0).watched(40.0)
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert verdict.job == "runs"
    assert how in verdict.observed


def test_what_may_still_be_run_again_is_watched_on():
    verdict = end(asked_to_leave(), "runs", 2.9, 10).watched(10.0).judged_by(LAW)
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.due_t == pytest.approx(33.0)


def test_a_worker_that_does_not_leave_is_violated():
    story = end(asked_to_leave(left_t=None), "runs", 2.9, 10)
    assert story.watched(20.0).judged_by(LAW).status is Status.INCONCLUSIVE
    assert story.watched(33.0).judged_by(LAW).status is Status.VIOLATED


def test_an_idle_worker_has_nothing_to_lose():
    story = Story().fault("terminate", 2.0, role="worker", pid=5)
    story.say("stack.exited", 2.1, role="worker", pid=5, code=0).watched(40.0)
    assert story.judged_by(LAW).status is Status.INCONCLUSIVE


def test_a_shutdown_of_another_part_is_inconclusive():
    story = Story().fault("terminate", 2.0, role="beat", pid=5).watched(40.0)
    assert story.judged_by(LAW).status is Status.INCONCLUSIVE


@st.composite
def legal(draw):
    """One job runs, and is done by the old worker or the next; 1 to 3 others wait."""
    story = asked_to_leave(left_t=None)
    left_t = 2.0 + draw(st.floats(0.2, 29.9))
    story.say("stack.exited", left_t, role="worker", pid=5, code=0)
    if draw(st.booleans()):
        end(story, "runs", draw(st.floats(2.1, left_t)), 10)
    else:
        ran_by_the_next(story, "runs", left_t + draw(st.floats(0.1, 29.0)))
    for more in range(draw(st.integers(0, 2))):
        story.say("send.accepted", 1.5, f"waits-{more}")
        ran_by_the_next(story, f"waits-{more}", left_t + draw(st.floats(0.1, 29.0)))
    ran_by_the_next(story, "waits", left_t + draw(st.floats(0.1, 29.0)))
    return story.watched(99.0)


def ended_as(how: str) -> Edit:
    return changed("ledger.end", "runs", to={"how": how})


test_only_a_worker_that_leaves_and_jobs_that_are_done_hold = properties.of(
    LAW,
    legal(),
    Damage("never-leaves", without("stack.exited")),
    Damage("leaves-late", moved("stack.exited", by_s=30.0)),
    Damage("a-running-job-is-lost", without("ledger.end", "runs")),
    Damage("a-running-job-fails", ended_as("lost")),
    Damage("it-is-to-be-retried", ended_as("retry")),
    Damage("a-waiting-job-is-never-run", without("ledger.start", "waits")),
    Damage("a-waiting-job-is-late", moved("ledger.end", "waits", by_s=30.0)),
    Damage("it-ends-by-its-own-limit", ended_as("soft_time_limit"), UNSAID),
    Damage("nobody-asked-it-to-leave", without("fault.injected"), UNSAID),
    Damage("did-not-bite", changed("fault.injected", to={"bit": False}), UNSAID),
    Damage("nothing-ran", without("ledger.start", "runs"), UNSAID),
    Damage("all-were-sent-later", moved("send.accepted", by_s=2.0), UNSAID),
)
