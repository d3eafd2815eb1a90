"""Damaged messages: what lies in a queue after a redelivery, a bug or a deployment.

Written as raw bytes in the way Celery's Redis transport does: a queue is a list, new
messages enter at its head and the next one leaves at its tail; a message is JSON, its
body base64 of [args, kwargs, embed]. Proof is the list itself, read in the transaction
that planted the message, before any worker could take it.
"""

import base64
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import redis

from harness.faults.record import injected
from harness.recorder import Recorder
from harness.stack import Stack

#: A task that no application has.
NOBODYS_TASK = "queueproof.a_task_that_nobody_has"

#: Not JSON, not UTF-8, no pickle.
GARBAGE = b"\xff\xfe queueproof: this is no message \x00"

#: Seconds Redis may take to answer.
ANSWER_WITHIN_S = 2.0

#: What a delivered but unacknowledged message is a field of: [message, exchange, key].
UNACKED = "unacked"


def second_delivery(
    stack: Stack, history: Recorder, queue: str, job: str | None
) -> str | None:
    """Deliver a message a second time, as when its visibility timeout runs out.

    The next message of the queue, or the one of `job`, whether it waits or was
    delivered and is not acknowledged. It is the same message to the last field, its
    delivery tag too; returns its task id.
    """
    fault = "second_delivery"
    with _client(stack) as client:
        raw = _find(client, _prefix(stack), queue, job)
        if raw is None:
            proof = f"no message {f'of {job} ' if job else ''}in {queue} to copy"
            injected(history, fault, None, bit=False, proof=proof, job=job, queue=queue)
            return None
        job = _task_id(raw)
        return _plant(client, stack, history, fault, queue, raw, job)


def garbage(stack: Stack, history: Recorder, queue: str) -> bool:
    """Put bytes into the queue that are no message; return whether they lie there."""
    with _client(stack) as client:
        told = _plant(client, stack, history, "garbage", queue, GARBAGE, None)
    return told is not None


def unknown_task(stack: Stack, history: Recorder, queue: str) -> str | None:
    """Put a correct message of a task nobody has into the queue; return its id."""
    return _signature(stack, history, "unknown_task", queue, NOBODYS_TASK, (), {})


def older_signature(
    stack: Stack,
    history: Recorder,
    queue: str,
    task: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> str | None:
    """Put a call of `task` as an older release made it into the queue; return its id.

    The message is correct; that the arguments do not fit is what the caller chose.
    """
    return _signature(stack, history, "older_signature", queue, task, args, kwargs)


def message(
    queue: str,
    task: str,
    job: str,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
) -> bytes:
    """Return a message of protocol 2 as Celery 5 writes it to a queue of Redis."""
    embed = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    body = json.dumps([list(args), dict(kwargs or {}), embed]).encode()
    return json.dumps(
        {
            "body": base64.b64encode(body).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {
                "lang": "py",
                "task": task,
                "id": job,
                "shadow": None,
                "eta": None,
                "expires": None,
                "group": None,
                "group_index": None,
                "retries": 0,
                "timelimit": [None, None],
                "root_id": job,
                "parent_id": None,
                "argsrepr": repr(tuple(args)),
                "kwargsrepr": repr(dict(kwargs or {})),
                "origin": "queueproof",
                "ignore_result": False,
            },
            "properties": {
                "correlation_id": job,
                "reply_to": "",
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": queue},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": str(uuid.uuid4()),
            },
        }
    ).encode()


def _signature(
    stack: Stack,
    history: Recorder,
    fault: str,
    queue: str,
    task: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> str | None:
    job = str(uuid.uuid4())
    raw = message(queue, task, job, args, kwargs)
    with _client(stack) as client:
        return _plant(client, stack, history, fault, queue, raw, job)


def _plant(
    client: "redis.Redis",
    stack: Stack,
    history: Recorder,
    fault: str,
    queue: str,
    raw: bytes,
    job: str | None,
) -> str | None:
    """Put the bytes where the next message leaves; return the id, "" without one."""
    key = _prefix(stack) + queue
    pipe = client.pipeline(transaction=True)
    pipe.llen(key)
    pipe.rpush(key, raw)
    pipe.llen(key)
    pipe.lrange(key, -1, -1)
    before, _, after, lying = pipe.execute()
    bit = after == before + 1 and lying == [raw]
    proof = f"{queue} held {before} messages, now {after}, this one next"
    injected(history, fault, None, bit=bit, proof=proof, job=job, queue=queue)
    return (job or "") if bit else None


def _find(
    client: "redis.Redis", prefix: str, queue: str, job: str | None
) -> bytes | None:
    waiting = [_bytes(raw) for raw in client.lrange(prefix + queue, 0, -1)]
    if job is None:
        return waiting[-1] if waiting else None
    delivered = [json.loads(entry) for entry in client.hvals(prefix + UNACKED)]
    waiting += [json.dumps(entry[0]).encode() for entry in delivered]
    return next((raw for raw in waiting if _task_id(raw) == job), None)


def _bytes(raw: bytes | str) -> bytes:
    return raw if isinstance(raw, bytes) else raw.encode()


def _task_id(raw: bytes) -> str | None:
    try:
        return str(json.loads(raw)["headers"]["id"])
    except (ValueError, KeyError, TypeError):
        return None  # not a task's message


def _prefix(stack: Stack) -> str:
    return str(stack.agent.describe().get("key_prefix") or "")


def _client(stack: Stack) -> "redis.Redis":
    return redis.Redis.from_url(stack.urls.broker, socket_timeout=ANSWER_WITHIN_S)
