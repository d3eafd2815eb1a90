"""The kernel kills for want of memory: a child, a main process, who needs too much."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

from harness.engines import Process, ProcessId
from harness.errors import TooSlow
from harness.faults.record import Victim, child_of, injected, main_of
from harness.probes.processes import GONE_STATES, is_gone
from harness.recorder import Recorder
from harness.stack import Stack
from harness.wait import wait_until

#: Seconds within which a process needs some page it does not have; a busy one needs one
#: in milliseconds, one that only sleeps may need none.
NEEDS_ONE_WITHIN_S = 10.0


@contextmanager
def limited(
    stack: Stack, history: Recorder, role: str, headroom_mib: float
) -> Iterator[Victim | None]:
    """Let all processes of a part take so much more memory and no more, in the body.

    Proof is the kernel's limit of each process. How often the kernel killed is told at
    the end; a body that needs no memory is killed for none.
    """
    fault = "memory_limit"
    process, victim = stack.process(role), main_of(stack, role)
    limits, killed = stack.engine.limits, 0

    def members() -> list[ProcessId]:
        tree = stack.engine.tree(process) if victim else []
        return [info.id for info in tree if info.state not in GONE_STATES]

    try:
        with limits.memory(process, members(), headroom_mib) as kills:
            left = {id.pid: limits.memory_left_mib(id) for id in members()}
            bit = bool(left) and None not in left.values()
            proof = f"MiB left by pid: {left}" if left else f"{role} is not running"
            injected(history, fault, victim, bit=bit, proof=proof)
            try:
                yield victim if bit else None
            finally:
                killed = kills()
    finally:
        history.record("fault", "healed", fault=fault, role=role, oom_kills=killed)


def child(stack: Stack, history: Recorder, job: str) -> Victim | None:
    """Leave the process that executes the job no memory until the kernel kills it."""
    victim = child_of(stack, job)
    process = None if victim is None else _owner(stack, victim)
    return _starve(stack, history, "oom_child", process, victim, job)


def main(stack: Stack, history: Recorder, role: str) -> Victim | None:
    """Leave the main process of a part no memory until the kernel kills it."""
    victim = main_of(stack, role)
    return _starve(stack, history, "oom_main", stack.process(role), victim, None)


def _starve(
    stack: Stack,
    history: Recorder,
    fault: str,
    process: Process | None,
    victim: Victim | None,
    job: str | None,
) -> Victim | None:
    """Proof is the kernel's count of kills, that the process is gone, and no other."""
    if process is None or victim is None:
        proof = "no process to leave without memory"
        injected(history, fault, victim, bit=False, proof=proof, job=job)
        return None
    with stack.engine.limits.memory(process, [victim.id], 0.0) as kills:
        with contextlib.suppress(TooSlow):
            wait_until(
                lambda: kills() and is_gone(stack.engine, victim.id),
                within_s=NEEDS_ONE_WITHIN_S,
                every_s=0.005,
                what=f"pid {victim.pid} needs memory",
            )
        gone, killed = is_gone(stack.engine, victim.id), kills()
    main_gone = process.id != victim.id and is_gone(stack.engine, process.id)
    proof = f"out-of-memory kills: {killed}; pid {victim.pid} "
    proof += "is gone" if gone else "needed no memory"
    if main_gone:  # a fault of its own: nobody is left to report the job
        proof += f", and so is the main process, pid {process.id.pid}"
    bit = gone and killed > 0 and not main_gone
    injected(history, fault, victim, bit=bit, proof=proof, job=job)
    history.record("fault", "healed", job, fault=fault)
    return victim if bit else None


def _owner(stack: Stack, victim: Victim) -> Process | None:
    """Return the part whose process it is."""
    for process in stack.processes():
        if any(info.id == victim.id for info in stack.engine.tree(process)):
            return process
    return None
