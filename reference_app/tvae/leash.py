"""Runs a command that cannot outlive who asked for it. Standard library only.

    python leash.py COMMAND...        with a pipe as standard input that is kept open

When the pipe closes, because its owner closed it or died in any way, the command and
everything it started is killed (SIGKILL). So it is when the command ends by itself, and
should this process be killed, the command dies with it. Exit code: the command's, or
128 and the number of the signal that ended it.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36

#: Seconds between two looks whether the command has ended.
LOOK_S = 0.05


def main(command: list[str]) -> int:
    """Run the command until it ends or standard input does; return the exit code."""
    libc = ctypes.CDLL(None, use_errno=True)
    # Whose parent dies becomes our child: so nobody escapes, also no daemon.
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0),
    )
    try:
        while process.poll() is None:
            readable, _, _ = select.select([sys.stdin], [], [], LOOK_S)
            if readable and not os.read(sys.stdin.fileno(), 1024):
                break
    finally:
        _kill_all(process)
    code = process.wait()
    return code if code >= 0 else 128 - code


def _kill_all(command: subprocess.Popen[bytes]) -> None:
    # Whoever dies leaves its children to us: until there are none.
    while children := _children():
        for pid in children:
            os.kill(pid, signal.SIGKILL)  # a child of ours has its pid until waited for
        for pid in children:
            if pid == command.pid:
                command.wait()
            else:
                os.waitpid(pid, 0)


def _children() -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name in parentheses may hold spaces: count from its end.
            _, parent, *_ = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # gone meanwhile
        if int(parent) == os.getpid():
            found.append(int(stat.parent.name))
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
