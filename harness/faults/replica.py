"""One process too many: a second beat, a second API, a second worker."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

from harness.errors import TooSlow
from harness.faults.record import injected, main_of
from harness.probes.connections import held
from harness.recorder import Recorder
from harness.replica import Replica
from harness.stack import Stack
from harness.wait import wait_until

_FAULT = "replica"

#: Seconds until a replica is at work; a beat connects with the first task it sends.
AT_WORK_WITHIN_S = 20.0


@contextmanager
def added(stack: Stack, history: Recorder, role: str) -> Iterator[Replica | None]:
    """Start one more process of a part, as deployed, and end it after the body.

    Proof is a process of its own that is connected to Redis, or for an API answers on
    its own port, while the first one still runs.
    """
    name = ""
    try:
        with stack.replica(role) as replica:
            name = replica.name
            with contextlib.suppress(TooSlow):
                wait_until(
                    lambda: _is_at_work(stack, replica),
                    within_s=AT_WORK_WITHIN_S,
                    what=f"{name} is at work",
                )
            first, victim = main_of(stack, role), main_of(stack, name)
            at_work = _is_at_work(stack, replica)
            proof = f"{name} {'is' if at_work else 'is not'} at work"
            proof += f" as pid {victim.pid}" if victim else ", it has ended"
            proof += f" beside pid {first.pid}" if first else f"; {role} is not running"
            bit = at_work and first is not None and victim is not None
            injected(history, _FAULT, victim, bit=bit, proof=proof, replica=name)
            yield replica if bit else None
    finally:
        history.record("fault", "healed", fault=_FAULT, role=name)


def _is_at_work(stack: Stack, replica: Replica) -> bool:
    process = stack.process(replica.name)
    if replica.role == "api":
        return process.exit_code() is None and stack.is_ready(replica.name)
    return bool(held(stack.engine, process, stack.urls.redis_port))
