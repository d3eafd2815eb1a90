"""Engines start and hurt processes; what runs in them is none of their business.

Every engine offers the same interface, so that a scenario does not know whether its
worker is a child process or a container. A process is (pid, start time, pid namespace):
a pid alone can be recycled, or be another's in the next container: it is no victim.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class ProcessId:
    """One process for ever: a recycled pid has another start time.

    `pid` is what the process itself sees; `start_time` is in clock ticks since boot, as
    in field 22 of /proc/<pid>/stat. Without a namespace it means the one process of the
    run with this pid and start time.
    """

    pid: int
    start_time: int
    pid_namespace: str = ""


@dataclass(frozen=True)
class Site:
    """Where the parts of one stack run: how they and the harness reach each other.

    `network` is the engine's name for it; empty: all share the loopback of this
    machine. `harness` is the address at which the parts reach us, `listen` the one
    their servers bind to. `environ` is what they inherit. `sources` says whether they
    see the files of this machine; where not, `python` is their interpreter.
    """

    network: str = ""
    harness: str = LOOPBACK
    listen: str = LOOPBACK
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    sources: bool = True
    python: str = ""

    def host(self, role: str) -> str:
        """Return the host name of a part, as the other parts see it."""
        return role if self.network else LOOPBACK


@dataclass(frozen=True)
class Command:
    """What to start: `role` names it in the history, `log` takes its output.

    `pipe` leaves standard input and output to the harness (the agent needs it). `port`
    is where it serves, on our loopback too; `folder` what it may write to besides its
    working directory.
    """

    role: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    pipe: bool = False
    port: int | None = None
    folder: Path | None = None
    site: Site = field(default_factory=Site)


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

    #: Where we reach its ports without any translation of addresses.
    address: str

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
    run_token: str

    @property
    def redis_server(self) -> str:
        """Return the program that serves Redis; EngineError where there is none."""

    def open_site(self) -> Site:
        """Return a place for the parts of one stack, apart from all others."""

    def close_site(self, site: Site) -> None:
        """Give it up; nothing runs there any more."""

    def start(self, command: Command) -> Process:
        """Start it; its output goes to `command.log`."""

    def stop(self, process: Process, *, within_s: float = 5.0) -> StopReport:
        """Ask with SIGTERM, after `within_s` kill it and all it started."""

    def restart(self, process: Process) -> Process:
        """Stop what is left of it at once and start the same command again."""

    def identify(self, pid: int, pid_namespace: str = "") -> ProcessId | None:
        """Return who has this pid in this namespace now; None where nobody has.

        Without a namespace it is ours.
        """

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

    def ignores(self, process: ProcessId, signum: int) -> bool:
        """Return whether the process has told the kernel to drop this signal."""

    def connections(self, process: ProcessId) -> set[tuple[str, str]]:
        """Return its TCP connections: (local, remote) as "address:port"."""

    def logs(self, process: Process, *, lines: int = 20) -> str:
        """Return the last lines of its output."""

    def close(self) -> None:
        """Kill whatever is left of everything this engine started."""
