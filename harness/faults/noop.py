"""No damage at all: what a scenario does to the application must hold without it."""

from harness.faults.record import Victim, injected, main_of
from harness.recorder import Recorder
from harness.stack import Stack


def nothing(stack: Stack, history: Recorder, role: str) -> Victim | None:
    """Find the victim and leave it alone; it bites where there was one."""
    victim = main_of(stack, role)
    proof = "left alone" if victim else f"{role} is not running"
    injected(history, "noop", victim, bit=victim is not None, proof=proof)
    return victim
