"""The process engine: the application's own commands as child processes.

Each command gets its own session, its output goes to a file, and the keeper hears of it
at once. Two variables in its environment mark it as ours: QUEUEPROOF_RUN for the whole
run, QUEUEPROOF_PROCESS for this one start, so that a descendant that left the session
is still found.
"""

import contextlib
import itertools
import secrets
import signal
import subprocess
from pathlib import Path
from typing import IO

import psutil

from harness import keeper
from harness.engines import (
    LOOPBACK,
    Command,
    Process,
    ProcessId,
    ProcessInfo,
    Site,
    StopReport,
)
from harness.engines.log import log_tail
from harness.engines.process_limits import ProcessLimits
from harness.engines.redis_server import find_redis_server
from harness.errors import EngineError, TooSlow
from harness.wait import wait_until

RUN_MARK = "QUEUEPROOF_RUN"
PROCESS_MARK = "QUEUEPROOF_PROCESS"

#: The kernel's name of our pid namespace, empty where it has none.
OUR_PID_NAMESPACE = keeper.pid_namespace()

#: Seconds the kernel may take to remove processes after SIGKILL on a busy machine.
KILL_WITHIN_S = 10.0


class ChildProcess:
    """One started command; `mark` finds its descendants wherever they went."""

    address = LOOPBACK

    def __init__(
        self, command: Command, popen: subprocess.Popen[bytes], mark: str
    ) -> None:
        self.command = command
        self.mark = mark
        self.stdin: IO[bytes] | None = popen.stdin
        self.stdout: IO[bytes] | None = popen.stdout
        self._popen = popen
        stat = keeper.read_stat(popen.pid)
        # The child cannot be reaped by anyone else, so its entry is there even if it
        # has already ended.
        assert stat is not None
        self.id = ProcessId(popen.pid, stat.start_time, OUR_PID_NAMESPACE)

    @property
    def role(self) -> str:
        """Return the role of its command."""
        return self.command.role

    def exit_code(self) -> int | None:
        """Return the exit code (negative: the signal), or None while it lives."""
        return self._popen.poll()

    def close_pipes(self) -> None:
        """Close the harness's ends of its standard input and output."""
        for stream in (self.stdin, self.stdout):
            if stream is not None:
                # A dead reader: what was buffered is lost anyway.
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


class ProcessEngine:
    """Starts commands as child processes of the test run; see `Engine`."""

    name = "process"

    def __init__(self) -> None:
        if not Path("/proc/self/stat").exists():
            raise EngineError(
                "The process engine needs Linux: it tells processes apart by /proc. "
                "Run it in a Linux container or virtual machine."
            )
        self.run_token = secrets.token_hex(8)
        self._keeper = keeper.Keeper(f"{RUN_MARK}={self.run_token}")
        self._started: list[ChildProcess] = []
        self.limits = ProcessLimits(self, self.run_token)
        self._numbers = itertools.count()

    @property
    def redis_server(self) -> str:
        """Return the server found on this machine; raises NoRedisServer."""
        return str(find_redis_server())

    def open_site(self) -> Site:
        """Return this machine's loopback: what keeps stacks apart is their ports."""
        return Site()

    def close_site(self, site: Site) -> None:
        """Nothing to give up."""

    def start(self, command: Command) -> Process:
        """Start it in its own session; raises EngineError where it cannot run."""
        mark = f"{self.run_token}.{next(self._numbers)}"
        env = {**command.env, RUN_MARK: self.run_token, PROCESS_MARK: mark}
        command.log.parent.mkdir(parents=True, exist_ok=True)
        pipe = subprocess.PIPE if command.pipe else None
        with command.log.open("ab") as log:
            try:
                popen = subprocess.Popen(
                    command.argv,
                    env=env,
                    cwd=command.cwd,
                    stdin=pipe or subprocess.DEVNULL,
                    stdout=pipe or log,
                    stderr=log,
                    start_new_session=True,
                    # Python ignores SIGXFSZ, and SIGPIPE, which Redis does as well.
                    restore_signals=not command.outlives_file_limit,
                )
            except OSError as error:
                raise EngineError(
                    f"{command.role}: cannot run {command.argv[0]!r}: {error}. "
                    "Is the command in target.toml right, and installed?"
                ) from error
        process = ChildProcess(command, popen, mark)
        self._started.append(process)
        try:
            self._keeper.watch(process.id.pid, process.id.start_time)
        except BrokenPipeError as error:
            self.stop(process, within_s=0)
            raise EngineError(
                "The keeper is gone, so nothing would clean up after this run."
            ) from error
        return process

    def stop(self, process: Process, *, within_s: float = 5.0) -> StopReport:
        """SIGTERM, up to `within_s` seconds, then SIGKILL for all it started."""
        child = _own(process)
        if within_s > 0 and child.exit_code() is None:
            self.signal(child.id, signal.SIGTERM)
            self.resume(child.id)  # a frozen process hears nothing
            # Too slow: its tree is killed below, and the report names it.
            with contextlib.suppress(TooSlow):
                wait_until(
                    lambda: child.exit_code() is not None,
                    within_s=within_s,
                    what=f"{child.role} ends after SIGTERM",
                )
        report = StopReport(exit_code=None)
        sessions = {child.id.pid: child.id.start_time}

        def killed_all() -> bool:
            left = keeper.belongings(sessions, f"{PROCESS_MARK}={child.mark}".encode())
            for pid, stat in left.items():
                id = ProcessId(pid, stat.start_time, OUR_PID_NAMESPACE)
                if keeper.kill(pid, stat.start_time) and id not in report.killed:
                    report.killed.append(id)
            return not left and child.exit_code() is not None

        wait_until(
            killed_all,
            within_s=KILL_WITHIN_S,
            what=f"everything {child.role} started is gone after SIGKILL",
        )
        child.close_pipes()
        report.exit_code = child.exit_code()
        return report

    def restart(self, process: Process) -> Process:
        """Kill what is left of it and start the same command again."""
        self.stop(process, within_s=0)
        return self.start(process.command)

    def identify(self, pid: int, pid_namespace: str = "") -> ProcessId | None:
        """Return who has this pid now; in a namespace that is not ours, nobody."""
        if not _is_ours(pid_namespace):
            return None
        stat = keeper.read_stat(pid)
        return (
            None if stat is None else ProcessId(pid, stat.start_time, OUR_PID_NAMESPACE)
        )

    def state(self, process: ProcessId) -> str | None:
        """Return its state letter; None where it is gone or the pid was recycled."""
        ours = _is_ours(process.pid_namespace)
        stat = keeper.read_stat(process.pid) if ours else None
        if stat is None or stat.start_time != process.start_time:
            return None
        return stat.state

    def signal(self, process: ProcessId, signum: int) -> bool:
        """Send a signal; False where the process is gone (a zombie counts as gone)."""
        return _is_ours(process.pid_namespace) and keeper.kill(
            process.pid, process.start_time, signum
        )

    def pause(self, process: ProcessId) -> bool:
        """Freeze it with SIGSTOP."""
        return self.signal(process, signal.SIGSTOP)

    def resume(self, process: ProcessId) -> bool:
        """Let it go on with SIGCONT."""
        return self.signal(process, signal.SIGCONT)

    def tree(self, process: Process) -> list[ProcessInfo]:
        """Return it and all its descendants, zombies too, its own line first."""
        try:
            root = psutil.Process(process.id.pid)
            members = [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []
        infos = []
        for member in members:
            stat = keeper.read_stat(member.pid)
            if stat is None:
                continue
            if member is root and stat.start_time != process.id.start_time:
                return []
            id = ProcessId(member.pid, stat.start_time, OUR_PID_NAMESPACE)
            infos.append(ProcessInfo(id, stat.parent, stat.state, _name(member)))
        return infos

    def memory(self, process: ProcessId) -> float | None:
        """Return its PSS in MiB, its RSS where the kernel does not tell the PSS."""
        try:
            seen = psutil.Process(process.pid)
            if self.state(process) is None:
                return None
            try:
                used = seen.memory_full_info()
            except psutil.AccessDenied:
                used = seen.memory_info()
        except psutil.NoSuchProcess:
            return None
        return float(getattr(used, "pss", used.rss)) / 2**20

    def ignores(self, process: ProcessId, signum: int) -> bool:
        """Return what the kernel's list of ignored signals says."""
        return self.state(process) is not None and keeper.ignores(process.pid, signum)

    def connections(self, process: ProcessId) -> set[tuple[str, str]]:
        """Return its TCP connections: (local, remote) as "address:port"."""
        if self.state(process) is None:
            return set()
        try:
            seen = psutil.Process(process.pid).net_connections("tcp")
        except psutil.NoSuchProcess:
            return set()
        return {(_written(e.laddr), _written(e.raddr)) for e in seen if e.raddr}

    def logs(self, process: Process, *, lines: int = 20) -> str:
        """Return the last lines of its output, under a line that names the file."""
        return log_tail(process.command.log, lines=lines)

    def close(self) -> None:
        """Kill whatever is left of everything this engine started."""
        for process in self._started:
            if process.exit_code() is None:
                self.stop(process, within_s=0)
            process.close_pipes()
        self._keeper.close()


def _written(address: tuple[str, int]) -> str:
    host, port = address
    return f"{host.removeprefix('::ffff:')}:{port}"


def _is_ours(namespace: str) -> bool:
    return namespace in ("", OUR_PID_NAMESPACE)


def _name(member: psutil.Process) -> str:
    try:
        return str(member.name())
    except psutil.NoSuchProcess:
        return "?"


def _own(process: Process) -> ChildProcess:
    if not isinstance(process, ChildProcess):
        raise EngineError(f"{process!r} was not started by the process engine.")
    return process
