"""How a fault is told to the history: who was hit, whether it bit, and the proof."""

from dataclasses import asdict, dataclass
from typing import Any

from harness.engines import ProcessId
from harness.recorder import Recorder
from harness.stack import Stack


@dataclass(frozen=True)
class Victim:
    """The process a fault hit."""

    role: str
    pid: int
    pid_start: int
    pid_ns: str = ""

    @classmethod
    def of(cls, role: str, process: ProcessId) -> "Victim":
        """Return the process the engine knows, in this role."""
        return cls(role, process.pid, process.start_time, process.pid_namespace)

    @property
    def id(self) -> ProcessId:
        """Return it as the engine knows it."""
        return ProcessId(self.pid, self.pid_start, self.pid_ns)


def injected(
    history: Recorder,
    fault: str,
    victim: Victim | None,
    *,
    bit: bool,
    proof: str,
    job: str | None = None,
    **more: Any,
) -> None:
    """Record `fault.injected`, milliseconds after the damage: once it is proven."""
    history.record(
        "fault",
        "injected",
        job,
        fault=fault,
        victim=None if victim is None else asdict(victim),
        bit=bit,
        proof=proof,
        **more,
    )


def child_of(stack: Stack, job: str) -> Victim | None:
    """Return the process that executes the job now, by ledger or journal."""
    found = stack.pid_of_child(job)
    return Victim.of("child", found) if found else None


def main_of(stack: Stack, role: str) -> Victim | None:
    """Return the main process of a part, None where it is not running."""
    process = stack.process(role)
    if process.exit_code() is not None:
        return None
    return Victim.of(role, process.id)
