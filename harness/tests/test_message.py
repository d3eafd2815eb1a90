"""Damaged messages lie in the queue as planted; a real worker meets each of them."""

import json

import pytest
import redis

from harness.faults.message import GARBAGE, NOBODYS_TASK
from harness.wait import wait_until


@pytest.fixture
def broker(plain_stack):
    """A client; the queue that nobody serves is empty before and after."""
    with redis.Redis.from_url(plain_stack.urls.broker) as client:
        client.delete("nobodys")
        yield client
        client.delete("nobodys")


def told(history):
    (seen,) = history.of(source="fault", kind="injected")
    return seen


def ledger(stack, job, what):
    return [o for o in stack.executions.lines("ledger", job) if o["what"] == what]


def test_a_second_delivery_is_the_same_message_again(
    plain_stack, history, faults, broker
):
    job = plain_stack.agent.send("plain.add", (1, 2), queue="nobodys")
    (raw,) = broker.lrange("nobodys", 0, -1)

    assert faults.second_delivery("nobodys") == job

    assert broker.lrange("nobodys", 0, -1) == [raw, raw]
    seen = told(history)
    assert (seen.job, seen["bit"], seen["queue"]) == (job, True, "nobodys")
    assert "held 1 messages, now 2" in seen["proof"]


def test_an_empty_queue_has_no_second_delivery(history, faults, broker):
    assert faults.second_delivery("nobodys") is None

    assert told(history)["bit"] is False


def test_a_message_a_worker_holds_is_delivered_again(plain_stack, faults):
    """Not acknowledged before its task has ended, so it lies in no queue."""
    queue = plain_stack.probe_worker().queue()
    job = plain_stack.agent.probe("hold_late", queue=queue)
    wait_until(
        lambda: ledger(plain_stack, job, "start"), within_s=15, what="it is held"
    )

    assert faults.second_delivery(queue) is None
    assert faults.second_delivery(queue, job=job) == job
    plain_stack.agent.release(job)

    wait_until(
        lambda: len(ledger(plain_stack, job, "start")) == 2,
        within_s=15,
        what="it was started twice",
    )
    wait_until(
        lambda: len(ledger(plain_stack, job, "end")) == 2,
        within_s=15,
        what="both have ended",
    )


def test_garbage_lies_where_the_next_message_leaves(history, faults, broker):
    broker.lpush("nobodys", b"next", b"last")

    assert faults.garbage("nobodys") is True

    assert broker.rpop("nobodys") == GARBAGE
    assert told(history)["bit"] is True
    assert told(history).job is None


def test_a_real_worker_meets_garbage(plain_stack, faults):
    """Celery 5.7 dies of it; what a worker does is no matter of the fault."""
    worker = plain_stack.probe_worker()
    queue = worker.queue()

    assert faults.garbage(queue) is True

    with redis.Redis.from_url(plain_stack.urls.broker) as client:
        wait_until(lambda: not client.llen(queue), within_s=15, what="it is taken")
    job = plain_stack.agent.probe("sleep", queue=queue)
    wait_until(
        lambda: ledger(plain_stack, job, "end"), within_s=30, what="it works again"
    )


def test_an_unknown_task_is_told_by_its_id(plain_stack, history, faults):
    worker = plain_stack.probe_worker()

    job = faults.unknown_task(worker.queue())

    wait_until(
        lambda: ledger(plain_stack, job, "end"), within_s=15, what="it is refused"
    )
    (end,) = ledger(plain_stack, job, "end")
    assert end["how"] == "unknown"
    assert (told(history).job, told(history)["bit"]) == (job, True)


def test_an_older_signature_fails_and_a_fitting_one_runs(plain_stack, faults):
    queue = plain_stack.probe_worker().queue()
    old = faults.older_signature(queue, "plain.add", (1,))
    fitting = faults.older_signature(queue, "plain.add", (1,), {"right": 2})

    for job in (old, fitting):
        wait_until(
            lambda job=job: ledger(plain_stack, job, "end"),
            within_s=15,
            what="it has ended",
        )
    assert ledger(plain_stack, old, "end")[0]["how"].endswith(":TypeError")
    assert plain_stack.agent.state(fitting) == {"state": "SUCCESS", "result": "3"}


def test_a_planted_message_is_like_one_of_celery(plain_stack, faults, broker):
    faults.unknown_task("nobodys")
    planted = json.loads(broker.rpop("nobodys"))
    plain_stack.agent.send("plain.add", (1, 2), queue="nobodys")
    real = json.loads(broker.rpop("nobodys"))

    assert planted["headers"]["task"] == NOBODYS_TASK
    assert planted.keys() == real.keys()
    assert planted["properties"].keys() == real["properties"].keys()
    assert planted["headers"].keys() <= real["headers"].keys()
