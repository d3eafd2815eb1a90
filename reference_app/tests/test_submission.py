"""A submit against a Redis in every state that a broker gets into; real ones."""

import asyncio
import contextlib
import json
import os
import signal
import threading
import time

import httpx
import pytest
import redis
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import StatementError

from reference_app import api, context, embedded_redis, outbox, submission
from reference_app.broker import UnroutedTask
from reference_app.job_task import JobTask
from reference_app.jobs import Path, State
from reference_app.steering import tasks
from reference_app.tests.in_process import forget_connections

#: Seconds in which a submit must be answered, SUB-001.
SUBMIT_S = 5.0

LIMITS = (5.0, 6.0)


@pytest.fixture
def broker(tmp_path, jobs, configured):
    """A Redis of its own as broker; the events stay in another one."""
    folder = tmp_path / "broker"
    folder.mkdir()
    with embedded_redis.running(folder) as port:
        configured(CELERY_BROKER_URL=f"redis://127.0.0.1:{port}/0")
        forget_connections()
        with redis.Redis(port=port) as client:
            yield client
        forget_connections()
        outbox._in_time.cache_clear()


@contextlib.contextmanager
def frozen(broker):
    pid = broker.info("server")["process_id"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def refusing(broker, configured):
    configured(CELERY_BROKER_URL="redis://127.0.0.1:1/0")
    forget_connections()
    yield


@contextlib.contextmanager
def read_only(broker, configured):
    broker.replicaof("127.0.0.1", 1)
    yield
    broker.replicaof("NO", "ONE")


@contextlib.contextmanager
def another_password(broker, configured):
    broker.config_set("requirepass", "secret")
    for connection in broker.client_list():
        if int(connection["id"]) != broker.client_id():
            broker.client_kill_filter(_id=connection["id"])
    yield
    broker.config_set("requirepass", "")


@contextlib.contextmanager
def full(broker, configured):
    broker.config_set("maxmemory", 1)
    yield
    broker.config_set("maxmemory", 0)


def submit():
    return submission.submit(tasks.compare, {"n": 1}, LIMITS)


@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
@pytest.mark.parametrize("state", [refusing, frozen, read_only, another_password, full])
def test_a_submit_is_refused_in_time_when_the_broker_is(
    broker, jobs, configured, state, warm
):
    if warm:
        submit()
    damage = state(broker) if state is frozen else state(broker, configured)
    with damage:
        for _ in range(2):
            began_s = time.monotonic()
            with pytest.raises(submission.NotAccepted) as raised:
                submit()
            assert time.monotonic() - began_s < SUBMIT_S
            assert raised.value.status_code == 503
            assert int(raised.value.headers["Retry-After"]) > 0
    refused = [job for job in jobs.recent() if job.state is State.FAILED]
    assert [job.reason for job in refused] == ["not_published"] * 2


def test_a_submit_that_is_sent_again_with_its_key_is_one_job(broker, jobs):
    ids = {submission.submit(tasks.compare, {"n": 1}, LIMITS, key="k") for _ in "123"}
    assert {job.id for job in jobs.recent()} == ids
    assert (len(ids), broker.llen("steering")) == (1, 1)
    with pytest.raises(RequestValidationError) as raised:
        submission.submit(tasks.compare, {"n": 2}, LIMITS, key="k")
    assert raised.value.errors()[0]["loc"] == ("header", "Idempotency-Key")


def test_after_a_refusal_the_same_key_is_taken(broker, jobs, monkeypatch):
    with frozen(broker), pytest.raises(submission.NotAccepted):
        submission.submit(tasks.compare, {"n": 1}, LIMITS, key="k")
    outbox.reach.cache_clear()
    accepted = submission.submit(tasks.compare, {"n": 1}, LIMITS, key="k")
    assert jobs.get(accepted).state is State.PENDING


def test_a_worker_faster_than_the_time_out_has_accepted_the_job(
    broker, jobs, monkeypatch
):
    def ambiguous(message):
        jobs.start(message.id, 1)  # the message came through
        raise TimeoutError("no answer")

    monkeypatch.setattr(outbox, "_send", ambiguous)
    job_id = submit()
    assert jobs.get(job_id).state is State.STARTED


@pytest.mark.parametrize("state", [refusing, frozen, read_only, another_password])
def test_where_it_is_declared_the_job_goes_the_local_way_in_time(
    broker, jobs, configured, state
):
    configured(STEERING_WITHOUT_BROKER="run_locally")
    submit()
    damage = state(broker) if state is frozen else state(broker, configured)
    with damage:
        for _ in range(2):
            began_s = time.monotonic()
            job = jobs.get(submit())
            assert time.monotonic() - began_s < SUBMIT_S
            assert (job.state, job.path) == (State.PENDING, Path.LOCAL)


def test_a_message_that_came_through_all_the_same_runs_nothing(
    broker, jobs, configured
):
    configured(STEERING_WITHOUT_BROKER="run_locally")
    submit()
    with frozen(broker):
        job_id = submit()
    threading.Event().wait(0.2)
    ids = [json.loads(m)["headers"]["id"] for m in broker.lrange("steering", 0, -1)]
    assert job_id in ids  # what was to be shown: the broker has it, too
    context.run(job_id, lambda ctx: pytest.fail("the worker ran it"), attempt=1)
    ran = []
    context.run(job_id, lambda ctx: ran.append(1) or {}, attempt=1, path=Path.LOCAL)
    assert (ran, jobs.get(job_id).state) == ([1], State.COMPLETED)


def test_another_password_is_told_to_whoever_can_mend_it(broker, configured, caplog):
    with another_password(broker, configured), pytest.raises(submission.NotAccepted):
        submit()
    assert "another password: see CELERY_BROKER_URL" in caplog.text


def test_a_fallback_without_room_is_a_refusal(broker, jobs, configured):
    configured(STEERING_WITHOUT_BROKER="run_locally", LOCAL_MAX_BACKLOG=1)
    with refusing(broker, configured):
        assert jobs.get(submit()).path is Path.LOCAL
        with pytest.raises(submission.NotAccepted) as raised:
            submit()
    assert raised.value.status_code == 503


def test_with_the_flag_off_no_broker_is_asked(broker, jobs, configured):
    configured(USE_CELERY="false")
    with frozen(broker):
        began_s = time.monotonic()
        job = jobs.get(submit())
        assert time.monotonic() - began_s < 0.5
    assert (job.path, broker.dbsize()) == (Path.LOCAL, 0)


@pytest.mark.parametrize("flag", ["true", "false"])
def test_above_the_backlog_a_submit_is_told_when_to_come_again(
    broker, jobs, configured, flag
):
    configured(USE_CELERY=flag, MAX_BACKLOG=2, LOCAL_MAX_BACKLOG=2)
    first = [submit() for _ in range(2)]
    with pytest.raises(submission.NotAccepted) as raised:
        submit()
    assert raised.value.status_code == 429
    assert int(raised.value.headers["Retry-After"]) > 0
    assert len(jobs.recent()) == 2
    jobs.request_cancel(first[0])
    assert submit()


def test_when_the_broker_is_back_submits_are_taken_again(broker, monkeypatch):
    submit()
    with frozen(broker), pytest.raises(submission.NotAccepted):
        submit()
    reach = outbox.reach(os.getpid())
    monkeypatch.setattr(reach, "_clock", lambda: time.monotonic() + 10)
    assert submit()
    assert not reach.away
    # The first, the last, and the refused one: it was taken all the same.
    assert broker.llen("steering") == 3


class Unrouted(JobTask):
    name = "nobody.any"
    function = "nobody:any"


@pytest.mark.parametrize(
    ("task", "request_", "error"),
    [
        (tasks.compare, {"n": object()}, StatementError),
        (Unrouted(), {"n": 1}, UnroutedTask),
    ],
    ids=["no JSON", "no queue"],
)
def test_a_bug_is_raised_as_it_is_and_is_no_outage(broker, jobs, task, request_, error):
    with pytest.raises(error):
        submission.submit(task, request_, LIMITS)
    assert broker.dbsize() == 0
    assert not outbox.reach(os.getpid()).away
    assert all(job.state is State.FAILED for job in jobs.recent())


def test_what_redis_answers_is_no_outage_whatever_celery_calls_it(
    broker, jobs, configured
):
    """Celery raises the OperationalError of an outage, caused by a ResponseError."""
    configured(STEERING_WITHOUT_BROKER="run_locally")
    broker.set("steering", "somebody else's")
    with pytest.raises(redis.ResponseError, match="wrong kind of value"):
        submit()
    (job,) = jobs.recent()
    assert (job.state, job.path, job.reason) == (State.FAILED, Path.CELERY, "error")
    assert not outbox.reach(os.getpid()).away


def test_the_event_loop_answers_while_submits_wait_for_a_frozen_broker(
    broker, monkeypatch
):
    monkeypatch.setattr(outbox, "PUBLISH_S", 5.0)  # Celery gives up after two
    outbox._in_time.cache_clear()

    request = {
        "sae_id": "storyteller-layer1-topk",
        "prompt": "Once upon a time",
        "features": [{"feature_idx": 1, "strengths": [1.0]}],
    }

    async def both():
        transport = httpx.ASGITransport(app=api.create_app())
        client = httpx.AsyncClient(transport=transport, base_url="http://test/api/v1")
        async with client:
            submits = [
                asyncio.create_task(client.post("/steering/compare", json=request))
                for _ in range(5)
            ]
            answered = 0
            while not any(submit.done() for submit in submits):
                await asyncio.wait(submits, timeout=0.01)
                answered += (await client.get("/health")).status_code == 200
            return answered, [one.status_code for one in await asyncio.gather(*submits)]

    submit()
    with frozen(broker):
        answered, codes = asyncio.run(both())
    assert codes == [503] * 5
    # Until the first is over: in the loop it would let through one or two.
    assert answered >= 5
