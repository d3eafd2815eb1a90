from types import SimpleNamespace

import pytest
from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from celery import signals

from reference_app import endings, events
from reference_app.jobs import State


@pytest.fixture
def running(jobs):
    jobs.create("a", "steering.compare", {})
    jobs.start("a")
    return "a"


def fail(job_id, error):
    signals.task_failure.send(sender=None, task_id=job_id, exception=error)


def ending(jobs, job_id):
    job = jobs.get(job_id)
    return job.state, job.reason


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeLimitExceeded(3.0), "hard_time_limit"),
        (WorkerLostError("signal 9"), "lost"),
        (SystemExit(1), "lost"),
        (TypeError("unexpected argument"), "error"),
    ],
)
def test_what_the_parent_sees_gets_its_reason(running, jobs, error, reason):
    fail(running, error)
    assert ending(jobs, running) == (State.FAILED, reason)


def test_a_hard_limit_that_is_told_twice_is_announced_once(running, jobs):
    for _ in range(2):
        fail(running, TimeLimitExceeded(3.0))
    assert endings.client().xlen(events.names(running).log) == 1


def test_a_lost_process_of_a_cancelled_job_means_cancelled(running, jobs):
    jobs.request_cancel(running)
    fail(running, WorkerLostError("signal 9"))
    assert ending(jobs, running) == (State.CANCELLED, None)


def test_revoked_means_cancelled_and_expired_means_rejected(running, jobs):
    jobs.create("b", "steering.compare", {})
    for job_id, expired in (("a", False), ("b", True)):
        signals.task_revoked.send(
            sender=None,
            request=SimpleNamespace(id=job_id),
            terminated=not expired,
            signum=None,
            expired=expired,
        )
    assert ending(jobs, "a") == (State.CANCELLED, None)
    assert ending(jobs, "b") == (State.FAILED, "rejected")


def test_a_message_nobody_can_run_or_read_ends_its_job(jobs):
    for job_id in ("a", "b"):
        jobs.create(job_id, "steering.compare", {})
    signals.task_unknown.send(
        sender=None, id="a", name="steering.gone", message=None, exc=None
    )
    message = SimpleNamespace(headers={"id": "b"})
    signals.task_rejected.send(sender=None, message=message, exc=None)
    assert ending(jobs, "a") == (State.FAILED, "unknown_task")
    assert ending(jobs, "b") == (State.FAILED, "rejected")


def test_the_tasks_of_others_are_left_alone(jobs):
    fail("somebody-elses", WorkerLostError("signal 9"))
    assert jobs.recent() == []


def test_an_error_is_described_in_one_bounded_line():
    assert endings.describe(ValueError("a\nTraceback")) == "ValueError: a"
    assert endings.describe(ValueError()) == "ValueError"
    assert len(endings.describe(ValueError("x" * 5000))) < 350
