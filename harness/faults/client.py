"""A user's connection is lost without a word: a killed browser, a lost network."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.errors import TooSlow
from harness.faults.record import injected
from harness.recorder import Recorder
from harness.stack import Stack
from harness.wait import wait_until

if TYPE_CHECKING:  # who drives no API need not load a Socket.IO client
    from harness.subscriber import Subscriber

_FAULT = "disconnect"

#: Seconds a server may take to let go of a connection that the kernel has ended.
GONE_WITHIN_S = 5.0


@contextmanager
def disconnected(
    stack: Stack, history: Recorder, subscriber: "Subscriber"
) -> Iterator[bool]:
    """Lose a subscriber's connection; after the body it watches again on a new one.

    Proof is the kernel's list: the API held the connection before, and does not now.
    The new connection counts as another, late subscriber, named after the first.
    """
    before = _of(stack, subscriber)
    try:
        subscriber.drop()
        with contextlib.suppress(TooSlow):
            wait_until(
                lambda: before - _dialled(stack),
                within_s=GONE_WITHIN_S,
                what="the API has let go of it",
            )
        left = before & _dialled(stack)
        proof = f"held by the API before: {len(before)} connections, {len(left)} after"
        bit = len(before) - len(left) == 1
        who = {"subscriber": subscriber.name, "watched": subscriber.job}
        injected(history, _FAULT, None, bit=bit, proof=proof, **who)
        yield bit
    finally:
        renewed = subscriber.again()
        history.record("fault", "healed", fault=_FAULT, subscriber=renewed.name)


def _dialled(stack: Stack) -> set[str]:
    """Return from where ("address:port") the API is dialled now."""
    own = f":{urlsplit(stack.urls.api).port}"
    return {
        remote
        for info in stack.engine.tree(stack.process("api"))
        for local, remote in stack.engine.connections(info.id)
        if local.endswith(own)
    }


def _of(stack: Stack, subscriber: "Subscriber") -> set[str]:
    """Return the subscriber's own connection among them, if it has one.

    On a network of its own the API sees what we dial translated: then all of them.
    """
    if subscriber.port is None:
        return set()
    if stack.process("api").command.site.network:
        return _dialled(stack)
    return {at for at in _dialled(stack) if at.endswith(f":{subscriber.port}")}
