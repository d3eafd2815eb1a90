"""The disk under Redis's append-only file is full."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from harness.errors import TooSlow
from harness.faults.record import Victim, injected, main_of
from harness.recorder import Recorder
from harness.stack import Stack
from harness.wait import wait_until

_FAULT = "disk_full"

#: Written over and over until there is no space left for it.
FILLER = "queueproof:filler"
FILLER_BYTES = 16_384

#: Seconds until Redis refuses writes; it learns of it from the first that fails.
REFUSED_WITHIN_S = 5.0

#: Seconds until Redis takes writes again; it tries once a second.
ACCEPTED_WITHIN_S = 10.0


@contextmanager
def full(stack: Stack, history: Recorder) -> Iterator[Victim | None]:
    """Give Redis no more disk while the body runs: it answers reads, refuses writes.

    Proof is a write refused with MISCONF while a read is answered. At the end there
    is space again, and a write is taken.
    """
    victim, process = main_of(stack, "redis"), stack.process("redis")
    with redis.Redis.from_url(stack.urls.broker, socket_timeout=2) as client:
        client.set(FILLER, b"")
        try:
            with stack.engine.limits.disk(process):
                with contextlib.suppress(TooSlow):
                    wait_until(
                        lambda: _refusal(client),
                        within_s=REFUSED_WITHIN_S,
                        every_s=0.005,
                        what="a write is refused",
                    )
                bit, proof = _proof(client)
                bit = bit and victim is not None
                injected(history, _FAULT, victim, bit=bit, proof=proof)
                yield victim if bit else None
        finally:
            wait_until(
                lambda: _refusal(client) is None,
                within_s=ACCEPTED_WITHIN_S,
                what="Redis takes writes again",
            )
            client.delete(FILLER)
            history.record("fault", "healed", fault=_FAULT, role="redis")


def _refusal(client: "redis.Redis") -> str | None:
    """Return why a write is refused, None where it is taken."""
    try:
        client.set(FILLER, b"x" * FILLER_BYTES)
    except redis.RedisError as error:
        return str(error)
    return None


def _proof(client: "redis.Redis") -> tuple[bool, str]:
    refused = _refusal(client)
    if refused is None:
        return False, "a write is taken"
    try:
        client.get(FILLER)
    except redis.RedisError as error:
        return False, f"a read is not answered: {error}"
    return refused.startswith("MISCONF"), f"a read is answered, a write not: {refused}"
