"""Asks the overseer: one question, one answer, in the order of asking."""

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docker.utils.socket import frames_iter

from harness.engines import ProcessId, ProcessInfo
from harness.engines.contained import attach
from harness.errors import EngineError

if TYPE_CHECKING:
    from docker.models.containers import Container

HARNESS = Path(__file__).resolve().parents[1]

#: Where the overseer finds its two files; no more of us is in its container.
INSIDE = "/queueproof"
FILES = ("harness/keeper.py", "harness/engines/overseer.py")
COMMAND = ("python3", "-S", "-E", "-m", "harness.engines.overseer")

#: What it needs: to see all processes, to read of those that are not its own user's,
#: and to signal them. It reaches no network.
SETTINGS: dict[str, Any] = {
    "pid_mode": "host",
    "userns_mode": "host",
    "network": "none",
    "user": "0:0",
    "cap_drop": ["ALL"],
    "cap_add": ["SYS_PTRACE", "KILL", "DAC_READ_SEARCH"],
    "read_only": True,
    "init": True,
    "stdin_open": True,
    "working_dir": INSIDE,
    "volumes": {
        str(HARNESS.parent / file): {"bind": f"{INSIDE}/{file}", "mode": "ro"}
        for file in FILES
    },
}

#: Seconds an answer may take; it takes half a millisecond.
ANSWER_WITHIN_S = 10.0


class Oversight:
    """The processes in the containers of one run, as the host sees them."""

    def __init__(self, container: "Container", docker_socket: str) -> None:
        self._container = container
        self._socket = attach(docker_socket, str(container.id))
        self._frames = frames_iter(self._socket, tty=False)
        self._lock = threading.Lock()
        self._unread = b""

    def begin(self) -> None:
        """Wait for nothing, but let an unanswered question end with an error."""
        self._socket.settimeout(ANSWER_WITHIN_S)

    def adopt(self, init: int) -> str | None:
        """Take the container with this init (the host's pid); return its namespace."""
        found = self._ask("adopt", init=init)
        return None if found is None else str(found)

    def forget(self, namespace: str) -> None:
        """Leave a container alone from now on."""
        self._ask("forget", namespace=namespace)

    def main(self, namespace: str) -> tuple[ProcessId, bool] | None:
        """Return the application's first process, and whether it is itself already."""
        found = self._ask("main", namespace=namespace)
        if found is None:
            return None
        return ProcessId(found["pid"], found["start_time"], namespace), found["runs"]

    def identify(self, pid: int, namespace: str) -> ProcessId | None:
        """Return who has this pid in this namespace."""
        start_time = self._ask("identify", pid=pid, namespace=namespace)
        return None if start_time is None else ProcessId(pid, start_time, namespace)

    def state(self, process: ProcessId) -> str | None:
        """Return its state letter; None where it is gone."""
        found = self._ask("state", process=_named(process))
        return None if found is None else str(found)

    def signal(self, process: ProcessId, signum: int) -> bool:
        """Send a signal; False where the process is gone."""
        return bool(self._ask("signal", process=_named(process), signum=signum))

    def ignores(self, process: ProcessId, signum: int) -> bool:
        """Return whether it ignores a signal."""
        return bool(self._ask("ignores", process=_named(process), signum=signum))

    def memory(self, process: ProcessId) -> float | None:
        """Return its PSS in MiB."""
        kib = self._ask("memory", process=_named(process))
        return None if kib is None else float(kib) / 1024

    def connections(self, process: ProcessId) -> set[tuple[str, str]]:
        """Return its TCP connections."""
        pairs = self._ask("connections", process=_named(process))
        return {(str(local), str(remote)) for local, remote in pairs}

    def tree(self, namespace: str) -> list[ProcessInfo]:
        """Return the processes in a container, its init left out."""
        return [
            ProcessInfo(
                ProcessId(line["pid"], line["start_time"], namespace),
                line["parent"],
                line["state"],
                line["name"],
            )
            for line in self._ask("tree", namespace=namespace)
        ]

    def close(self) -> None:
        """Hang up; the container is removed by whoever made it."""
        self._socket.close()

    def _ask(self, op: str, **fields: Any) -> Any:
        with self._lock:
            try:
                request = json.dumps({"op": op, **fields}).encode() + b"\n"
                self._socket.sendall(request)
                answer = json.loads(self._line())
            except (OSError, ValueError) as error:
                said = self._container.logs(tail=5).decode(errors="replace")
                raise EngineError(
                    f"The overseer of this run's containers does not answer {op!r} "
                    f"({error}); it said: {said or 'nothing'}. "
                    "Is the image in QUEUEPROOF_PYTHON_IMAGE one of Python 3.11?"
                ) from error
        if "error" in answer:
            raise EngineError(f"The overseer could not {op}: {answer['error']}")
        return answer["value"]

    def _line(self) -> bytes:
        while b"\n" not in self._unread:
            _, data = next(self._frames, (0, b""))
            if not data:
                raise OSError("it ended")
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        return line


def _named(process: ProcessId) -> tuple[int, int, str]:
    return process.pid, process.start_time, process.pid_namespace
