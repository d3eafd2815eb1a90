"""SIGSTOP: the process is there, holds its connections, and does nothing."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from harness.engines import ProcessId
from harness.errors import TooSlow
from harness.faults.record import Victim, child_of, injected, main_of
from harness.probes import write_lock
from harness.recorder import Recorder
from harness.stack import Stack
from harness.wait import pause, wait_until

#: Seconds until a stopped process shows as stopped.
STOPPED_WITHIN_S = 2.0

#: States of a process that is gone, or was and nobody has waited for it.
ENDED = (None, "Z", "X")

#: How often it is let go on where it was stopped at a bad moment, and for how long.
ATTEMPTS, GOES_ON_S = 10, 0.01

#: Seconds that others, who are not frozen, may keep the database for themselves.
OTHERS_WRITE_S = 0.1


@contextmanager
def child(stack: Stack, history: Recorder, job: str) -> Iterator[Victim | None]:
    """Freeze the process that executes the job."""
    victim = child_of(stack, job)
    found = [victim.id] if victim else []
    with _frozen(stack, history, "pause_child", victim, lambda: found, job) as frozen:
        yield frozen


@contextmanager
def part(stack: Stack, history: Recorder, role: str) -> Iterator[Victim | None]:
    """Freeze all processes of a part, as a paused container is frozen."""
    victim = main_of(stack, role)

    def members() -> list[ProcessId]:
        tree = stack.engine.tree(stack.process(role)) if victim else []
        return [info.id for info in tree]

    with _frozen(stack, history, "pause", victim, members, None) as frozen:
        yield frozen


@contextmanager
def _frozen(
    stack: Stack,
    history: Recorder,
    fault: str,
    victim: Victim | None,
    members: Callable[[], Sequence[ProcessId]],
    job: str | None,
) -> Iterator[Victim | None]:
    stopped: list[ProcessId] = []
    try:
        _freeze(stack, members, stopped)
        for _ in range(ATTEMPTS):
            if not _keeps_the_record(stack):
                break
            while stopped:
                stack.engine.resume(stopped.pop())
            pause(GOES_ON_S)
            _freeze(stack, members, stopped)
        states = {id.pid: stack.engine.state(id) for id in stopped}
        # A child that had just ended does nothing either, and nobody waits for it now.
        living = [state for state in states.values() if state not in ENDED]
        bit = bool(living) and all(state == "T" for state in living)
        proof = f"states by pid: {states}" if states else "no process to freeze"
        injected(history, fault, victim, bit=bit, proof=proof, job=job)
        yield victim if bit else None
    finally:
        resumed = [id.pid for id in stopped if stack.engine.resume(id)]
        history.record("fault", "healed", job, fault=fault, resumed=resumed)


def _freeze(
    stack: Stack,
    members: Callable[[], Sequence[ProcessId]],
    stopped: list[ProcessId],
) -> None:
    """Stop them, and whom they started meanwhile; note those that were there."""
    while found := [id for id in members() if id not in stopped]:
        there = [id for id in found if stack.engine.pause(id)]
        if not there:
            return
        stopped.extend(there)
        with contextlib.suppress(TooSlow):
            wait_until(
                lambda: all(stack.engine.state(id) in ("T", *ENDED) for id in stopped),
                within_s=STOPPED_WITHIN_S,
                every_s=0.002,
                what="all are stopped",
            )


def _keeps_the_record(stack: Stack) -> bool:
    """Return whether who is frozen was just writing to the application's database.

    Everybody who wants to write there would be frozen with it: another fault, and one
    that no process of a database server could have.
    """
    record = stack.target.record
    if record is None:
        return False
    return write_lock.is_kept(stack.layout.data / record.sqlite, for_s=OTHERS_WRITE_S)
