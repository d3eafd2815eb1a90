from types import SimpleNamespace

import pytest
from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from celery import signals
from celery.app.task import Context

from reference_app import endings, events
from reference_app.jobs import State


@pytest.fixture
def running(jobs):
    jobs.create("a", "steering.compare", {})
    jobs.start("a")
    return "a"


class Sender:
    """A task, of which the handlers read the request."""


def fail(job_id, error, attempt=1, told_again=False):
    """As Celery tells it; a hard limit is told again without the message."""
    request = Context(id=None if told_again else job_id, attempt=attempt)
    task = Sender()
    task.request = request
    signals.task_failure.send(sender=task, task_id=job_id, exception=error)


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
    for told_again in (False, True):
        fail(running, TimeLimitExceeded(3.0), told_again=told_again)
    assert endings.client().xlen(events.names(running).log) == 1


def test_a_lost_process_of_a_cancelled_job_means_cancelled(running, jobs):
    jobs.request_cancel(running)
    fail(running, WorkerLostError("signal 9"))
    assert ending(jobs, running) == (State.CANCELLED, None)


def test_a_lost_process_is_tried_again_as_often_as_declared_then_it_is_poison(jobs):
    jobs.create("a", "steering.compare", {}, attempts=2)
    jobs.start("a", 1)
    fail("a", WorkerLostError("signal 9"))
    job = jobs.get("a")
    assert (job.state, job.attempt) == (State.PENDING, 1)
    assert [job.id for job in jobs.to_publish(published=False)] == ["a"]
    jobs.start("a", 2)
    fail("a", WorkerLostError("signal 9"), attempt=2)
    assert ending(jobs, "a") == (State.FAILED, "poison")


@pytest.mark.parametrize(
    "error", [WorkerLostError("signal 9"), TimeLimitExceeded(3.0), KeyError("layer")]
)
def test_what_is_told_of_an_attempt_that_was_given_up_changes_nothing(jobs, error):
    jobs.create("a", "steering.compare", {}, attempts=2)
    jobs.start("a", 1)
    assert jobs.try_again("a", 1)
    fail("a", error, attempt=1)
    assert jobs.get("a").state is State.PENDING
    jobs.start("a", 2)
    fail("a", error, attempt=1)
    fail("a", TimeLimitExceeded(3.0), attempt=1, told_again=True)
    assert jobs.get("a").state is State.STARTED


def test_revoked_means_cancelled_and_expired_means_rejected(running, jobs):
    jobs.create("b", "steering.compare", {})
    for job_id, expired in (("a", False), ("b", True)):
        signals.task_revoked.send(
            sender=None,
            request=Context(id=job_id),
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
