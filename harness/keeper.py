"""Whatever kills the test run, nothing it started outlives it by 10 seconds.

A tiny process of its own session holds the reading end of a pipe from the run. It is
told every session the run starts (`pid start_time`), and at end of file, which the
kernel sends even after SIGKILL, it kills what is left: those sessions, and every
process whose environment holds the run's marker, so that a daemon that left its session
and a process started in the last instant are found too.

A run may have an owner, the make that started it (QUEUEPROOF_OWNER_PID): when the owner
is gone, SIGKILL included, the keeper ends the run as well.

Some of what a run started is not a process of this machine's: at the end the keeper
runs a last command, which removes the containers of the run.

Standard library only: it runs as `python -S -E keeper.py MARKER OWNER [COMMAND]`, and
the engines use its /proc readers. Nothing here touches a process that is neither in a
session of the run nor marked; a recycled pid is told apart by its start time.
"""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

#: Seconds between two sweeps; the kernel needs about this long for a group of kills.
SWEEP_S = 0.1

#: Empty sweeps in a row before the keeper is sure: covers a child between fork and
#: exec, whose environment is still its parent's.
EMPTY_SWEEPS = 5

#: Sweeps before it gives up on a process that cannot die (uninterruptible disk sleep).
MAX_SWEEPS = 90

#: The variable that names the process whose end is the end of the run.
OWNER = "QUEUEPROOF_OWNER_PID"

#: States of a process that only waits to be reaped.
DEAD_STATES = ("Z", "X")


class Stat(NamedTuple):
    """What /proc/<pid>/stat says; start_time in clock ticks since boot."""

    state: str
    parent: int
    session: int
    start_time: int


def read_stat(pid: int) -> Stat | None:
    """Return the process's state, or None where there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name stands in brackets and may itself hold brackets and spaces.
    fields = text[text.rindex(b")") + 2 :].split()
    state = fields[0].decode()
    if state in DEAD_STATES and int(fields[17]) > 1:
        # The first thread has ended, others have not: files and sockets are still held.
        state = "D"
    return Stat(state, int(fields[1]), int(fields[3]), int(fields[19]))


def pid_namespace(pid: int | str = "self") -> str:
    """Return the kernel's name of a pid namespace; empty where it does not tell."""
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return ""


def ignores(pid: int, signum: int) -> bool:
    """Whether the process ignores this signal; one that is gone does not."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            for line in file:
                if line.startswith("SigIgn:"):
                    return bool(int(line.split()[1], 16) >> (signum - 1) & 1)
    except (FileNotFoundError, ProcessLookupError):
        pass
    return False


def is_marked(pid: int, marker: bytes) -> bool:
    """Whether the process was started with `marker` in its environment."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return marker in file.read().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False


def belongings(sessions: Mapping[int, int], marker: bytes) -> dict[int, Stat]:
    """Return the living of these sessions (leader pid → start time) or so marked."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        pid = int(name)
        stat = read_stat(pid)
        if stat is None or stat.state in DEAD_STATES or pid == os.getpid():
            continue
        if _in_session(stat, sessions) or is_marked(pid, marker):
            found[pid] = stat
    return found


def _in_session(stat: Stat, sessions: Mapping[int, int]) -> bool:
    if stat.session not in sessions:
        return False
    # A number is reused as a session only after the whole session is gone; then its
    # leader is a process with another start time.
    leader = read_stat(stat.session)
    return leader is None or leader.start_time == sessions[stat.session]


def kill(pid: int, start_time: int, signum: int = signal.SIGKILL) -> bool:
    """Signal exactly this process; False where it is gone or its pid was recycled."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        stat = read_stat(pid)
        if stat is None or stat.start_time != start_time or stat.state in DEAD_STATES:
            return False
        signal.pidfd_send_signal(handle, signum)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True


class Keeper:
    """The run's end of the pipe. Raises BrokenPipeError where the keeper is gone.

    `at_last` is run at the end, when the processes are gone.
    """

    def __init__(self, marker: str, at_last: Sequence[str] = ()) -> None:
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-S", "-E", os.path.abspath(__file__), marker),
                os.environ.get(OWNER, ""),
                *at_last,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
        # Until it ignores them, a signal meant for the run would end the keeper too.
        assert self.process.stdout is not None
        self.process.stdout.readline()
        self.process.stdout.close()

    def watch(self, pid: int, start_time: int) -> None:
        """Add the session led by `pid`."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{pid} {start_time}\n".encode())
        self.process.stdin.flush()

    def close(self) -> None:
        """End of file: the keeper kills what is left of the run, then ends."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=SWEEP_S * MAX_SWEEPS + 5)


def main(marker: bytes, owner: str, at_last: Sequence[str]) -> None:
    """Collect sessions until end of file, then kill until nothing is left."""
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(signum, signal.SIG_IGN)
    os.write(1, b"ready\n")
    sessions = {}
    for line in told_by_the_run(owner).splitlines(keepends=True):
        if line.endswith(b"\n"):  # a torn last line names a session the marker finds
            leader, start_time = line.split()
            sessions[int(leader)] = int(start_time)
    _kill_all(sessions, marker)
    if at_last:
        subprocess.run(at_last, check=False)


def _kill_all(sessions: Mapping[int, int], marker: bytes) -> None:
    empty = 0
    for _ in range(MAX_SWEEPS):
        left = belongings(sessions, marker)
        for pid, stat in left.items():
            kill(pid, stat.start_time)
        empty = 0 if left else empty + 1
        if empty == EMPTY_SWEEPS:
            return
        select.select([], [], [], SWEEP_S)


def told_by_the_run(owner: str) -> bytes:
    """Return all of standard input; kill the run, and so end it, if its owner ends."""
    run_pid, told = os.getppid(), b""
    run = read_stat(run_pid)
    owner_handle = _handle(owner)
    watched = [0] if owner_handle is None else [0, owner_handle]
    while True:
        ready, _, _ = select.select(watched, [], [])
        if owner_handle in ready:  # a process handle is readable once it has ended
            watched = [0]
            if run is not None:
                kill(run_pid, run.start_time)
            continue
        chunk = os.read(0, 65536)
        if not chunk:
            return told
        told += chunk


def _handle(pid: str) -> int | None:
    try:
        return os.pidfd_open(int(pid)) if pid else None
    except ProcessLookupError:
        # The owner ended before we looked: as good as a handle that is readable.
        reading, writing = os.pipe()
        os.close(writing)
        return reading


if __name__ == "__main__":
    main(sys.argv[1].encode(), sys.argv[2], sys.argv[3:])
