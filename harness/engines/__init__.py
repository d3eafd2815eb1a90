"""Engines start and hurt processes; what runs in them is none of their business.

Every engine offers the same interface, so that a scenario does not know whether its
worker is a child process or a container. A process is (pid, start time, pid namespace):
a pid alone can be recycled and is never a victim.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from harness.engines.limits import Limits


@dataclass(frozen=True)
class ProcessId:
    """One process for ever: a recycled pid has another start time.

    `start_time` is in clock ticks since boot, as in field 22 of /proc/<pid>/stat.
    """

    pid: int
    start_time: int
    pid_namespace: str = ""


@dataclass(frozen=True)
class Command:
    """What to start: `role` names it in the history, `log` takes its output.

    `pipe` leaves standard input and output to the harness (the agent needs it).
    `outlives_file_limit`: a write past its limit of file sizes is an error to it, and
    no deadly signal.
    """

    role: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    pipe: bool = False
    outlives_file_limit: bool = False


@dataclass(frozen=True)
class ProcessInfo:
    """One line of a process tree; state is a letter of ps: R, S, D, T, Z."""

    id: ProcessId
    parent: int
    state: str
    name: str


class Process(Protocol):
    """A process the engine started."""

    command: Command
    id: ProcessId
    stdin: IO[bytes] | None
    stdout: IO[bytes] | None

    @property
    def role(self) -> str:
        """Return the role of its command."""

    def exit_code(self) -> int | None:
        """Return the exit code (negative: the signal), or None while it lives."""


@dataclass
class StopReport:
    """How a stop went: the exit code, and who had to be killed after the deadline."""

    exit_code: int | None
    killed: list[ProcessId] = field(default_factory=list)


class Engine(Protocol):
    """Starts, stops, signals, freezes and looks; raises EngineError with a remedy."""

    name: str

    @property
    def limits(self) -> "Limits":
        """Return what it can take away from a part."""

    def start(self, command: Command) -> Process:
        """Start it; its output goes to `command.log`."""

    def stop(self, process: Process, *, within_s: float = 5.0) -> StopReport:
        """Ask with SIGTERM, after `within_s` kill it and all it started."""

    def restart(self, process: Process) -> Process:
        """Stop what is left of it at once and start the same command again."""

    def identify(self, pid: int) -> ProcessId | None:
        """Return the process that has this pid now, None where there is none."""

    def state(self, process: ProcessId) -> str | None:
        """Return its state letter; None where it is gone or the pid was recycled."""

    def signal(self, process: ProcessId, signum: int) -> bool:
        """Send a signal; False where the process is gone."""

    def pause(self, process: ProcessId) -> bool:
        """Freeze it (SIGSTOP); False where the process is gone."""

    def resume(self, process: ProcessId) -> bool:
        """Let it go on (SIGCONT); False where the process is gone."""

    def tree(self, process: Process) -> list[ProcessInfo]:
        """Return it and all it started, zombies too, its own line first."""

    def memory(self, process: ProcessId) -> float | None:
        """Return its share of memory in MiB (PSS), None where it is gone."""

    def logs(self, process: Process, *, lines: int = 20) -> str:
        """Return the last lines of its output."""

    def close(self) -> None:
        """Kill whatever is left of everything this engine started."""
