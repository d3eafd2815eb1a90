"""SIGKILL: no handler runs, no clean-up, nothing is said."""

import contextlib
import signal
from dataclasses import asdict

from harness.errors import TooSlow
from harness.faults.record import Victim, child_of, injected, main_of
from harness.observation import same_process
from harness.probes.processes import is_gone
from harness.recorder import Recorder
from harness.stack import Stack
from harness.wait import wait_until

#: Seconds the kernel may take to remove a killed process on a busy machine.
GONE_WITHIN_S = 5.0


def child(stack: Stack, history: Recorder, job: str) -> Victim | None:
    """Kill the process that executes the job, frozen or not."""
    victim = child_of(stack, job)
    if victim is None:
        injected(
            history, "kill_child", None, bit=False, proof="no process runs it", job=job
        )
        return None
    bit, proof = _kill(stack, victim)
    if bit and _ended_by_itself(stack, job, victim):
        bit, proof = False, "the job had ended before the signal"
    injected(history, "kill_child", victim, bit=bit, proof=proof, job=job)
    return victim if bit else None


def main(stack: Stack, history: Recorder, role: str) -> Victim | None:
    """Kill the main process of a part."""
    victim = main_of(stack, role)
    if victim is None:
        injected(history, "kill_main", None, bit=False, proof=f"{role} is not running")
        return None
    bit, proof = _kill(stack, victim)
    injected(history, "kill_main", victim, bit=bit, proof=proof)
    return victim if bit else None


def _kill(stack: Stack, victim: Victim) -> tuple[bool, str]:
    if not stack.engine.signal(victim.id, signal.SIGKILL):
        return False, f"pid {victim.pid} was gone before the signal"
    with contextlib.suppress(TooSlow):
        wait_until(
            lambda: is_gone(stack.engine, victim.id),
            within_s=GONE_WITHIN_S,
            every_s=0.002,
            what=f"pid {victim.pid} is gone",
        )
    gone = is_gone(stack.engine, victim.id)
    return gone, f"pid {victim.pid} {'is gone' if gone else 'survived SIGKILL'}"


def _ended_by_itself(stack: Stack, job: str, victim: Victim) -> bool:
    """Whether the execution was over between our look and the signal."""
    mine = [
        line.get("what")
        for source in ("ledger", "journal")
        for line in stack.executions.lines(source, job)
        if same_process(line, asdict(victim)) and line.get("role") != "parent"
    ]
    return mine.count("start") == mine.count("end")
