"""What a real broker loses is sent again, and runs once."""

import json
import threading

import pytest

from reference_app import context, endings, outbox
from reference_app.jobs import State
from reference_app.tests.in_process import forget_connections

APART_S = 0.1


@pytest.fixture
def sweeper(queue, monkeypatch):
    monkeypatch.setattr("reference_app.jobs.CLAIM_S", 0.0)
    monkeypatch.setattr("reference_app.jobs.CONFIRM_S", 0.0)
    sweeper = outbox.Sweeper()
    monkeypatch.setattr(sweeper._outbox, "_apart_s", APART_S)
    return sweeper


def sweep_twice(sweeper):
    sweeper.sweep()
    threading.Event().wait(APART_S)
    sweeper.sweep()


def attempts(queue):
    messages = map(json.loads, queue.lrange("steering", 0, -1))
    return [message["headers"]["attempt"] for message in messages]


def create(jobs, **values):
    jobs.create("a", "steering.compare", {"n": 1}, limits=(5.0, 6.0), **values)
    return outbox.Message.of(jobs.get("a"))


def test_a_job_whose_sender_died_is_sent(queue, sweeper, jobs):
    create(jobs)
    sweeper.sweep()
    (message,) = map(json.loads, queue.lrange("steering", 0, -1))
    assert message["headers"]["id"] == "a"
    assert message["headers"]["timelimit"] == [6.0, 5.0]
    assert jobs.get("a").published


def test_a_message_that_a_dying_worker_took_is_sent_again_and_runs_once(
    queue, sweeper, jobs
):
    outbox.publish(create(jobs))
    sweep_twice(sweeper)
    assert attempts(queue) == [1]  # it waits: left alone
    queue.rpop("steering")
    sweep_twice(sweeper)
    assert attempts(queue) == [1]
    ran = []
    for _ in range(2):  # and should the first one come back, too
        context.run("a", lambda ctx: ran.append(1) or {}, attempt=1)
    assert ran == [1]


def test_a_lost_attempt_is_sent_as_the_next_and_the_old_message_runs_nothing(
    queue, sweeper, jobs
):
    outbox.publish(create(jobs, attempts=2))
    jobs.start("a", 1)
    endings.lose("a", 1)
    sweeper.sweep()
    assert attempts(queue) == [2, 1]
    context.run("a", lambda ctx: pytest.fail("the old one ran"), attempt=1)
    context.run("a", lambda ctx: {"attempt": ctx.attempt}, attempt=2)
    assert jobs.get("a").result == {"attempt": 2}


def test_a_process_that_was_given_up_reports_and_ends_nothing(sweeper, jobs):
    create(jobs, attempts=2)

    def frozen_for_long(ctx):
        ctx.report(50, "half of it", force=True)
        endings.lose("a", 1)
        second = context.JobContext(jobs.start("a", 2))
        second.report(10, "again", force=True)
        ctx.report(60, "late", force=True)
        assert not ctx._progress.report(70, {"kind": "progress"}, force=True)
        return {"attempt": 1}

    context.run("a", frozen_for_long, attempt=1)
    assert (jobs.get("a").state, jobs.get("a").attempt) == (State.STARTED, 2)


def test_a_job_that_nobody_ever_claims_is_given_up(queue, sweeper, jobs, monkeypatch):
    monkeypatch.setattr(outbox, "SENDS", 2)
    outbox.publish(create(jobs))
    for _ in range(2):
        queue.delete("steering")
        sweep_twice(sweeper)
    assert (jobs.get("a").state, jobs.get("a").reason) == (State.FAILED, "lost")


def test_while_the_broker_is_away_nothing_is_lost(queue, sweeper, jobs, configured):
    create(jobs)
    configured(CELERY_BROKER_URL="redis://127.0.0.1:1/0")
    forget_connections()
    sweeper.sweep()
    assert not jobs.get("a").published
