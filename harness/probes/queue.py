"""How many messages wait, read from Redis itself, not through Celery.

Kombu keeps a queue as one list per priority step, and a delivered but unacknowledged
message as a field of the hash `unacked`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import redis

#: Separates the name of a queue from its priority step; step 0 has the bare name.
PRIORITY_SEPARATOR = "\x06\x16"
PRIORITY_STEPS = (3, 6, 9)

#: Seconds Redis may take to answer.
ANSWER_WITHIN_S = 2.0


@dataclass(frozen=True)
class Depth:
    """Messages of one queue, and unacknowledged ones of all queues."""

    length: int
    unacked: int


def depth(broker_url: str, name: str, *, key_prefix: str = "") -> Depth:
    """Return the depth of a queue; raises redis.RedisError where Redis is away."""
    waiting, unacked = depths(broker_url, [name], key_prefix=key_prefix)
    return Depth(waiting[name], unacked)


def depths(
    broker_url: str, names: Sequence[str], *, key_prefix: str = ""
) -> tuple[dict[str, int], int]:
    """Return {queue: messages that wait}, and the unacknowledged of all queues.

    All at one instant, in one round trip; raises redis.RedisError.
    """
    steps = ["", *(f"{PRIORITY_SEPARATOR}{step}" for step in PRIORITY_STEPS)]
    with redis.Redis.from_url(
        broker_url,
        socket_timeout=ANSWER_WITHIN_S,
        socket_connect_timeout=ANSWER_WITHIN_S,
    ) as client:
        pipe = client.pipeline(transaction=True)
        for name in names:
            for step in steps:
                pipe.llen(key_prefix + name + step)
        pipe.hlen(key_prefix + "unacked")
        *lengths, unacked = pipe.execute()
    each = iter(lengths)
    return {name: sum(next(each) for _ in steps) for name in names}, unacked
