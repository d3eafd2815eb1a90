"""A key of the broker that holds what somebody else has put there.

It is no outage: Redis answers at once, and says that this is no list. The worker reads
that key, too: let it stand still meanwhile (`Faults.pause`).
"""

from collections.abc import Iterator
from contextlib import contextmanager

import redis

from harness.faults.record import injected
from harness.recorder import Recorder
from harness.stack import Stack

_FAULT = "key_taken"

#: What lies there; Redis makes no list of it.
VALUE = "queueproof: this is not your list"

#: Seconds Redis may take to answer.
ANSWER_WITHIN_S = 2.0


@contextmanager
def taken(stack: Stack, history: Recorder, queue: str) -> Iterator[bool]:
    """Let a text lie where the queue would, while the body runs; yield whether it does.

    Only where the queue is empty, so that no message is lost. Proof is what Redis
    answers to whoever asks how many messages it holds.
    """
    key = stack.key_prefix + queue
    with redis.Redis.from_url(
        stack.urls.broker, socket_timeout=ANSWER_WITHIN_S
    ) as client:
        mine = bool(client.set(key, VALUE, nx=True))
        try:
            proof = f"{key} holds {client.llen(key)} messages"
        except redis.ResponseError as error:
            proof = f"LLEN {key}: {error}"
        bit = mine and "WRONGTYPE" in proof
        injected(history, _FAULT, None, bit=bit, proof=proof, queue=queue)
        try:
            yield bit
        finally:
            if mine:
                client.delete(key)
            history.record("fault", "healed", fault=_FAULT, queue=queue)
