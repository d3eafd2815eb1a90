"""Messages that a worker took and has not acknowledged, read from Redis itself.

Kombu keeps each as a field of the hash `unacked`, its delivery tag -> [message,
exchange, routing key], and the time of its delivery as the tag's score in the sorted
set `unacked_index`. Whoever looks for messages older than the visibility timeout looks
there.
"""

import json
import time

import redis

#: Delivery tag -> [message, exchange, routing key].
UNACKED = "unacked"

#: Delivery tag, by the time of delivery.
INDEX = "unacked_index"

#: Seconds Redis may take to answer.
ANSWER_WITHIN_S = 2.0


def tag_of(client: "redis.Redis", job: str, *, key_prefix: str = "") -> str | None:
    """Return the delivery tag of the job's held message, None where nobody holds it."""
    for tag, entry in client.hgetall(key_prefix + UNACKED).items():
        if _task_id(entry) == job:
            return _text(tag)
    return None


def age_s(broker_url: str, job: str, *, key_prefix: str = "") -> float | None:
    """Return how long ago the job's message was delivered, None where nobody holds it.

    Raises:
        redis.RedisError: Redis is away.
    """
    with redis.Redis.from_url(broker_url, socket_timeout=ANSWER_WITHIN_S) as client:
        tag = tag_of(client, job, key_prefix=key_prefix)
        score = client.zscore(key_prefix + INDEX, tag) if tag else None
    return None if score is None else time.time() - float(score)


def _task_id(entry: bytes | str) -> str | None:
    try:
        return str(json.loads(entry)[0]["headers"]["id"])
    except (ValueError, KeyError, TypeError, IndexError):
        return None  # not a task's message


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
