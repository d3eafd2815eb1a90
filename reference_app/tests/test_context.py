import contextlib
import json
import os
import signal
import time
from pathlib import Path

import pytest
from celery.exceptions import Ignore, SoftTimeLimitExceeded

from reference_app import context, endings, events, job_task
from reference_app.jobs import State
from reference_app.patterns.checkpoint import Superseded
from reference_app.settings import settings


@pytest.fixture
def job(jobs):
    jobs.create("a", "steering.compare", {})
    return "a"


def kinds(job_id):
    log = endings.client().xrange(events.names(job_id).log)
    return [json.loads(fields[b"event"])["kind"] for _, fields in log]


def said(job_id):
    log = endings.client().xrange(events.names(job_id).log)
    return [json.loads(fields[b"event"])["message"] for _, fields in log]


def journal():
    lines = []
    for file in Path(settings().journal_dir).iterdir():
        lines += map(json.loads, file.read_text().splitlines())
    return [(line["what"], line.get("name") or line.get("how")) for line in lines]


def test_a_job_that_returns_is_completed_and_announced(job, jobs):
    def work(ctx):
        ctx.report(0, "Initializing")
        ctx.report(40, "Generating", current_feature=3)
        return {"text": "once"}

    context.run(job, work)
    row = jobs.get(job)
    assert (row.state, row.result, row.attempt) == (
        State.COMPLETED,
        {"text": "once"},
        1,
    )
    assert row.announced
    assert kinds(job) == ["progress", "progress", "completed"]
    assert journal() == [("start", None), ("mark", "cleanup"), ("end", "returned")]


def test_the_result_is_readable_before_the_ending_is_announced(job, jobs, monkeypatch):
    seen = []

    def announce(client, jobs, row, ttl_s):
        seen.append(jobs.get(row.id).result)

    monkeypatch.setattr(events, "announce", announce)
    context.run(job, lambda ctx: {"text": "once"})
    assert seen == [{"text": "once"}]


def test_an_error_fails_the_job_without_a_traceback(job, jobs):
    def work(ctx):
        raise KeyError("layer 7")

    with pytest.raises(KeyError):
        context.run(job, work)
    row = jobs.get(job)
    assert (row.state, row.reason) == (State.FAILED, "error")
    assert row.error == "KeyError: 'layer 7'"
    assert journal()[-1] == ("end", "raised:KeyError")


def test_a_result_that_is_no_json_fails_the_job(job, jobs):
    with pytest.raises(TypeError):
        context.run(job, lambda ctx: {"tensor": object()})
    assert jobs.get(job).state is State.FAILED
    assert kinds(job) == ["failed"]


def test_out_of_memory_reaches_celery_as_an_ordinary_error(job, jobs):
    def work(ctx):
        raise MemoryError("1e14 bytes")

    with pytest.raises(context.JobFailed):
        context.run(job, work)
    assert jobs.get(job).reason == "error"


def test_at_the_soft_limit_the_job_is_failed_and_cleaned_up(job, jobs):
    with pytest.raises(SoftTimeLimitExceeded):
        context.run(job, lambda ctx: os.kill(os.getpid(), signal.SIGUSR1))
    assert jobs.get(job).reason == "soft_time_limit"
    assert journal()[1:] == [("mark", "cleanup"), ("end", "soft_time_limit")]


def test_a_soft_limit_that_was_swallowed_ends_the_job_at_its_next_check(job, jobs):
    def work(ctx):
        with contextlib.suppress(Exception):
            os.kill(os.getpid(), signal.SIGUSR1)
        ctx.check_cancelled()
        ctx.mark("worked on")

    with pytest.raises(SoftTimeLimitExceeded):
        context.run(job, work)
    assert jobs.get(job).reason == "soft_time_limit"
    assert ("mark", "worked on") not in journal()


@pytest.fixture
def breaks(configured):
    """Let an attempt end with an error; ConnectionError is a transient one."""
    configured(RETRY_TIMES=2, RETRY_FIRST_PAUSE=10, RETRY_LONGEST_PAUSE=15)

    def run(error, job_id="a"):
        def work(ctx):
            raise error

        context.run(job_id, work, transient=(ConnectionError,))

    return run


def test_a_transient_fault_is_tried_again_later_and_later_then_it_fails(
    job, jobs, breaks
):
    pauses_s = []
    for retries in (1, 2):
        with pytest.raises(Ignore):
            breaks(ConnectionResetError("by peer"))
        row = jobs.get(job)
        assert (row.state, row.retries, row.error) == (State.PENDING, retries, None)
        pauses_s.append(row.publish_at - time.time())
    assert 4 < pauses_s[0] <= 10
    assert 7 < pauses_s[1] <= 15
    assert jobs.to_publish(published=False) == []  # neither is due
    with pytest.raises(ConnectionResetError):
        breaks(ConnectionResetError("by peer"))
    assert (jobs.get(job).state, jobs.get(job).attempt) == (State.FAILED, 3)
    assert kinds(job) == ["progress", "progress", "failed"]
    assert "ConnectionResetError: by peer Again in" in said(job)[0]


def test_a_bug_a_time_out_and_a_cancel_are_never_tried_again(job, jobs, breaks):
    def after_a_limit():
        error = ConnectionError("closed")
        error.__cause__ = SoftTimeLimitExceeded()
        return error

    for job_id, error in (("b", KeyError("layer 7")), ("c", after_a_limit())):
        jobs.create(job_id, "steering.compare", {})
        with pytest.raises(type(error)):
            breaks(error, job_id)
        assert jobs.get(job_id).state is State.FAILED

    def work(ctx):
        jobs.request_cancel(job)
        raise ConnectionError("closed by the cancel")

    with pytest.raises(ConnectionError):
        context.run(job, work, transient=(ConnectionError,))
    assert jobs.get(job).state is State.CANCELLED


def test_a_lost_process_and_a_transient_fault_count_together_and_apart(
    job, jobs, breaks
):
    jobs.start(job)
    assert not jobs.try_again(job, 1)  # one attempt may be lost, this one
    assert jobs.try_again(job, 1, free=True)
    with pytest.raises(Ignore):
        breaks(ConnectionError())
    row = jobs.get(job)
    assert (row.attempt, row.lost, row.retries) == (2, 0, 1)


def test_a_job_that_waits_for_another_attempt_can_be_cancelled(job, jobs, breaks):
    with pytest.raises(Ignore):
        breaks(ConnectionError())
    jobs.request_cancel(job)
    assert jobs.get(job).state is State.CANCELLED


def test_an_attempt_that_a_newer_one_superseded_ends_without_a_word(job, jobs):
    def work(ctx):
        jobs.try_again(job, ctx.attempt, free=True)
        jobs.start(job)
        raise Superseded("fence 1, now 2")

    with pytest.raises(Ignore):
        context.run(job, work)
    assert (jobs.get(job).state, jobs.get(job).attempt) == (State.STARTED, 2)
    assert kinds(job) == []


def test_at_the_soft_limit_a_coroutine_cleans_up_first(job, jobs):
    work = job_task.load("reference_app.tests.local_jobs:limited")
    with pytest.raises(SoftTimeLimitExceeded):
        context.run(job, lambda ctx: work({}, ctx))
    assert jobs.get(job).reason == "soft_time_limit"
    marks = [name for what, name in journal() if what == "mark"]
    assert marks == ["closed what it had opened", "cleanup"]


def test_a_running_job_sees_the_wish_to_cancel(job, jobs):
    def work(ctx):
        jobs.request_cancel(job)
        ctx.check_cancelled()
        return {}

    with pytest.raises(Ignore):
        context.run(job, work)
    assert jobs.get(job).state is State.CANCELLED
    assert kinds(job) == ["cancelled"]
    assert journal()[-1] == ("end", "cancelled")


def test_a_job_cancelled_while_it_waited_never_starts(job, jobs):
    jobs.request_cancel(job)
    context.run(job, lambda ctx: pytest.fail("it ran"))
    assert journal() == []


def test_a_second_delivery_runs_nothing(job, jobs):
    context.run(job, lambda ctx: {})
    context.run(job, lambda ctx: pytest.fail("it ran again"))
    assert kinds(job) == ["completed"]


def test_without_redis_the_job_completes_and_its_ending_waits(job, jobs, configured):
    configured(EVENTS_URL="redis://127.0.0.1:1/0")

    def work(ctx):
        ctx.report(0, "Initializing")
        return {}

    context.run(job, work)
    row = jobs.get(job)
    assert (row.state, row.announced) == (State.COMPLETED, False)


def test_no_journal_is_written_unless_it_is_wanted(job, configured):
    folder = Path(settings().journal_dir)
    configured(JOURNAL_DIR="")
    context.run(job, lambda ctx: {})
    assert list(folder.iterdir()) == []


def test_the_lease_is_kept_while_the_job_runs_and_released_after_it(job):
    held = []

    def work(ctx):
        with endings.client().monitor() as monitor:
            for command in monitor.listen():
                if "ZADD" in command["command"].upper():
                    break
        held.append(endings.client().zcard("leases"))
        return {}

    context.run(job, work)
    assert held == [1]
    assert endings.client().zcard("leases") == 0
