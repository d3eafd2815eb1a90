import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.tests.story import Story
from harness.verdict import Status

LAW = "shutdown.loses-no-job"


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


def test_a_killed_job_that_is_run_again_holds():
    story = ran_by_the_next(asked_to_leave(), "runs", 8.0)
    assert ran_by_the_next(story, "waits", 9.0).judged_by(LAW).status is Status.HOLDS


@pytest.mark.parametrize("how", ["retry", "terminated", "lost", "failure:OSError"])
def test_a_running_job_that_ends_otherwise_is_violated(how):
    story = end(asked_to_leave(), "runs", 2.1, 10, how)
    story = ran_by_the_next(story, "waits", 9.0).watched(40.0)
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert verdict.job == "runs"
    assert how in verdict.observed


def test_a_running_job_without_an_end_is_violated():
    verdict = ran_by_the_next(asked_to_leave(), "waits", 9.0).watched(40.0)
    assert verdict.judged_by(LAW).status is Status.VIOLATED


def test_a_waiting_job_that_nobody_runs_is_violated():
    verdict = end(asked_to_leave(), "runs", 2.9, 10).watched(40.0).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert verdict.job == "waits"


def test_what_may_still_be_run_again_is_watched_on():
    verdict = end(asked_to_leave(), "runs", 2.9, 10).watched(10.0).judged_by(LAW)
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.due_t == pytest.approx(33.0)


def test_a_worker_that_does_not_leave_is_violated():
    story = end(asked_to_leave(left_t=None), "runs", 2.9, 10)
    assert story.watched(20.0).judged_by(LAW).status is Status.INCONCLUSIVE
    assert story.watched(33.0).judged_by(LAW).status is Status.VIOLATED


def test_a_worker_that_leaves_late_is_violated():
    story = end(asked_to_leave(left_t=35.0), "runs", 34.0, 10)
    assert ran_by_the_next(story, "waits", 36.0).judged_by(LAW).status is (
        Status.VIOLATED
    )


def test_a_job_that_meets_its_own_limit_is_no_case():
    story = end(asked_to_leave(), "runs", 2.1, 10, "soft_time_limit")
    story = ran_by_the_next(story, "waits", 9.0).watched(40.0)
    assert story.judged_by(LAW).status is Status.INCONCLUSIVE


def test_an_idle_worker_has_nothing_to_lose():
    story = Story().fault("terminate", 2.0, role="worker", pid=5)
    story.say("stack.exited", 2.1, role="worker", pid=5, code=0).watched(40.0)
    assert story.judged_by(LAW).status is Status.INCONCLUSIVE


def test_a_shutdown_of_another_part_is_inconclusive():
    story = Story().fault("terminate", 2.0, role="beat", pid=5).watched(40.0)
    assert story.judged_by(LAW).status is Status.INCONCLUSIVE


@given(st.floats(0.0, 29.0), st.floats(31.0, 60.0))
def test_the_time_of_the_next_worker_decides(soon_s, late_s):
    def told(after_s: float) -> Story:
        story = end(asked_to_leave(), "runs", 2.9, 10)
        return ran_by_the_next(story, "waits", 3.0 + after_s).watched(100.0)

    assert told(soon_s).judged_by(LAW).status is Status.HOLDS
    assert told(late_s).judged_by(LAW).status is Status.VIOLATED
