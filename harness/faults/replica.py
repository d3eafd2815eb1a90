"""One process too many: a second beat, a second API, a second worker."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

from harness.errors import TooSlow
from harness.faults.record import injected, main_of
from harness.probes.connections import held
from harness.recorder import Recorder
from harness.stack import Stack
from harness.wait import wait_until

_FAULT = "replica"

#: Seconds until a replica is at work; a beat connects with the first task it sends.
AT_WORK_WITHIN_S = 20.0


@contextmanager
def added(stack: Stack, history: Recorder, role: str) -> Iterator[str | None]:
    """Start one more process of a part, as deployed, and end it after the body.

    Proof is a process of its own that is connected to Redis, or for an API answers on
    its own port, while the first one still runs.
    """
    name = stack.replica(role)
    try:
        with contextlib.suppress(TooSlow):
            wait_until(
                lambda: _is_at_work(stack, role, name),
                within_s=AT_WORK_WITHIN_S,
                what=f"{name} is at work",
            )
        first, victim = main_of(stack, role), main_of(stack, name)
        at_work = _is_at_work(stack, role, name)
        proof = f"{name} {'is' if at_work else 'is not'} at work"
        proof += f" as pid {victim.pid}" if victim else ", it has ended"
        proof += f" beside pid {first.pid}" if first else f"; {role} is not running"
        bit = at_work and first is not None and victim is not None
        injected(history, _FAULT, victim, bit=bit, proof=proof, replica=name)
        yield name if bit else None
    finally:
        stack.retire(name)
        history.record("fault", "healed", fault=_FAULT, role=name)


def _is_at_work(stack: Stack, role: str, name: str) -> bool:
    process = stack.process(name)
    if role == "api":
        return process.exit_code() is None and stack.is_ready(name)
    return bool(held(stack.engine, process, stack.urls.redis_port))
