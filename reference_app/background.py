"""Worker and beat on a machine without systemd or Kubernetes: start, stop, restart.

`start` leaves a keeper behind that runs the process and starts it again whenever it
ends unasked. In DATA_DIR/run lie `<name>.pid` (keeper, then process) and `<name>.log`.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from reference_app import pidfile
from reference_app.patterns.cancel import process_start

#: Seconds before the first restart; doubled each time up to LONGEST_PAUSE_S, and back
#: to this after a process that lived for STEADY_S.
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
STEADY_S = 60.0

#: Seconds until a new keeper has started its process.
STARTED_WITHIN_S = 10.0

#: Seconds until a killed process is gone.
KILLED_WITHIN_S = 5.0

LOOK_S = 0.05


class BackgroundError(RuntimeError):
    """The process could not be started or stopped; the message says why."""


class Background:
    """One named process in the background; `folder` holds its pid file and its log."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.pid_file = folder / f"{name}.pid"
        self.log = folder / f"{name}.log"

    def running(self) -> list[int]:
        """Return the pids of keeper and process, as far as they live."""
        return pidfile.living(self.pid_file)

    def start(self, command: Sequence[str]) -> int:
        """Run the command under a keeper of its own; return the keeper's pid.

        A process whose keeper was killed is stopped first.

        Raises:
            BackgroundError: it runs already, or did not start.
        """
        if len(self.running()) > 1:
            raise BackgroundError(f"{self.name} runs already: {self.pid_file}")
        self.stop(within_s=0)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        module = "reference_app.background"
        with self.log.open("ab") as log:
            keeper = subprocess.Popen(
                [sys.executable, "-m", module, str(self.pid_file), *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # it outlives this terminal
            )
        _until(
            lambda: len(self.running()) == 2 or keeper.poll() is not None,
            STARTED_WITHIN_S,
        )
        if len(self.running()) < 2:
            raise BackgroundError(f"{self.name} did not start: see {self.log}")
        keeper.returncode = 0  # not waited for: it is nobody's child from now on
        return keeper.pid

    def stop(self, *, within_s: float) -> bool:
        """Ask it to end, and kill it after so many seconds; False if it did not run.

        A worker asked to end first finishes its running job.

        Raises:
            BackgroundError: it could not be killed.
        """
        pids = self.running()
        for pid in pids:
            # First the keeper, which would start the process again.
            _signal(pid, signal.SIGTERM)
        if not _until(lambda: not self.running(), within_s):
            for pid in self.running():
                _signal(pid, signal.SIGKILL)
            if not _until(lambda: not self.running(), KILLED_WITHIN_S):
                raise BackgroundError(f"{self.name} cannot be killed: {pids}")
        self.pid_file.unlink(missing_ok=True)
        return bool(pids)


def keep(pid_file: Path, command: Sequence[str]) -> None:
    """Run the command again and again, until SIGTERM; then end it and return."""
    stopping = threading.Event()
    process: subprocess.Popen[bytes] | None = None

    def stop(signum: int, frame: FrameType | None) -> None:
        stopping.set()
        if process is not None:
            process.terminate()

    signal.signal(signal.SIGTERM, stop)
    pause_s = FIRST_PAUSE_S
    while not stopping.is_set():
        started_s = time.monotonic()
        process = subprocess.Popen(command)
        if stopping.is_set():  # asked while it was being started
            process.terminate()
        pidfile.write(pid_file, os.getpid(), process.pid)
        code = process.wait()
        if stopping.is_set():
            break
        if time.monotonic() - started_s > STEADY_S:
            pause_s = FIRST_PAUSE_S
        _say(f"{' '.join(command)} ended with {code}: again in {pause_s:g} s")
        stopping.wait(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


def _say(text: str) -> None:
    print(f"keeper: {text}", file=sys.stderr, flush=True)  # noqa: T201  # its log


def _signal(pid: int, signum: int) -> None:
    start = process_start(pid)
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if start is not None and process_start(pid) == start:
            signal.pidfd_send_signal(handle, signum)
    except ProcessLookupError:
        pass
    finally:
        os.close(handle)


def _until(condition: Callable[[], bool], within_s: float) -> bool:
    deadline_s = time.monotonic() + within_s
    pause = threading.Event()
    while not condition():
        if time.monotonic() >= deadline_s:
            return False
        pause.wait(LOOK_S)
    return True


if __name__ == "__main__":
    keep(Path(sys.argv[1]), sys.argv[2:])
