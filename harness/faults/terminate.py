"""SIGTERM or SIGQUIT to a main process: what a deployment or an operator sends."""

from harness.faults.record import Victim, injected, main_of
from harness.recorder import Recorder
from harness.stack import Stack


def main(
    stack: Stack,
    history: Recorder,
    role: str,
    signum: int,
    *,
    fault: str = "terminate",
) -> Victim | None:
    """Send the signal; it bit where the process handles or dies of it.

    Proof is the kernel's list of signals the process ignores: a warm shutdown may last
    as long as a job, so "gone" would be too much to ask.
    """
    victim = main_of(stack, role)
    if victim is None:
        injected(history, fault, None, bit=False, proof=f"{role} is not running")
        return None
    ignored = stack.engine.ignores(victim.id, signum)
    sent = stack.engine.signal(victim.id, signum)
    bit = sent and not ignored
    proof = f"signal {signum} {'sent' if sent else 'found nobody'}"
    if ignored:
        proof += ", but the process ignores it"
    injected(history, fault, victim, bit=bit, proof=proof)
    return victim if bit else None
