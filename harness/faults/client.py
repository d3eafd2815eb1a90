"""A user's connection is lost without a word: a killed browser, a lost network."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.errors import TooSlow
from harness.faults.record import injected
from harness.probes.connections import held
from harness.recorder import Recorder
from harness.stack import Stack
from harness.wait import wait_until

if TYPE_CHECKING:  # who drives no API need not load a Socket.IO client
    from harness.driver import Subscriber

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
    port = subscriber.port

    def is_held() -> bool:
        process = stack.process("api")
        return port is not None and bool(held(stack.engine, process, port))

    before = is_held()
    try:
        subscriber.drop()
        with contextlib.suppress(TooSlow):
            wait_until(
                lambda: not is_held(),
                within_s=GONE_WITHIN_S,
                what="the API has let go of it",
            )
        after = is_held()
        told = {True: "held", False: "not held"}
        proof = f"port {port}: {told[before]} by the API before, {told[after]} after"
        bit = before and not after
        who = {"subscriber": subscriber.name, "watched": subscriber.job}
        injected(history, _FAULT, None, bit=bit, proof=proof, **who)
        yield bit
    finally:
        renewed = subscriber.again()
        history.record("fault", "healed", fault=_FAULT, subscriber=renewed.name)
