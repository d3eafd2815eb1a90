"""A submit against a Redis in every state that a broker gets into; real ones."""

import asyncio
import contextlib
import os
import signal
import time

import httpx
import pytest
import redis
from kombu import pools
from sqlalchemy.exc import StatementError

from reference_app import api, embedded_redis, submission
from reference_app.broker import UnroutedTask
from reference_app.broker import app as celery_app
from reference_app.job_task import JobTask
from reference_app.jobs import State
from reference_app.steering import tasks

#: Seconds in which a submit must be answered, SUB-001.
SUBMIT_S = 2.0

LIMITS = (5.0, 6.0)


def forget_connections():
    pools.reset()
    submission._reach.cache_clear()
    celery_app.__dict__.pop("amqp", None)
    celery_app._pool = None


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


def submit():
    return submission.submit(tasks.compare, {"n": 1}, LIMITS)


@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
@pytest.mark.parametrize("state", [refusing, frozen, read_only, another_password])
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


def test_when_the_broker_is_back_submits_are_taken_again(broker, monkeypatch):
    submit()
    with frozen(broker), pytest.raises(submission.NotAccepted):
        submit()
    reach = submission._reach()
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
    assert not submission._reach().away
    assert all(job.state is State.FAILED for job in jobs.recent())


def test_the_event_loop_answers_while_submits_wait_for_a_frozen_broker(broker):
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
            longest_s = 0.0
            waiting = set(submits)
            while waiting:
                _, waiting = await asyncio.wait(waiting, timeout=0.01)
                began_s = time.monotonic()
                assert (await client.get("/health")).status_code == 200
                longest_s = max(longest_s, time.monotonic() - began_s)
            return longest_s, [submit.result().status_code for submit in submits]

    submit()
    with frozen(broker):
        longest_s, codes = asyncio.run(both())
    assert codes == [503] * 5
    assert longest_s < 0.25
