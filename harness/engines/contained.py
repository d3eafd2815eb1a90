"""One started container: its streams, its exit code, and its main process."""

import contextlib
import os
import socket
import threading
from typing import IO, TYPE_CHECKING

from docker.errors import DockerException, NotFound
from docker.utils.socket import STDOUT, frames_iter

from harness.engines import LOOPBACK, Command, ProcessId
from harness.errors import EngineError
from harness.wait import wait_until

if TYPE_CHECKING:
    from docker.models.containers import Container

#: Docker tells a death by signal n as 128 + n.
BY_SIGNAL = 128

#: The exit code where Docker no longer knows it: the container was removed by others.
UNKNOWN_EXIT = 255

#: Seconds the last output may take to reach the log after the container ended.
OUTPUT_WITHIN_S = 5.0


def attach(docker_socket: str, container: str) -> socket.socket:
    """Connect to the standard streams of a container that is not started yet.

    Afterwards would be too late: what it said until then would be lost.

    Raises:
        EngineError: the daemon refuses.
    """
    streams = "stdin=1&stdout=1&stderr=1&stream=1"
    return hijack(docker_socket, f"/containers/{container}/attach?{streams}")


def hijack(docker_socket: str, path: str, body: bytes = b"") -> socket.socket:
    """Ask the daemon for standard streams: what is sent arrives there, and back.

    Docker's own client gives no socket that can be written to and closed. Raises
    EngineError where the daemon refuses.
    """
    request = (
        f"POST {path} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\n"
        f"Upgrade: tcp\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    attached = socket.socket(socket.AF_UNIX)
    try:
        attached.connect(docker_socket)
        attached.sendall(request.encode() + body)
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):  # what follows is the stream's
            byte = attached.recv(1)
            answer += byte
            if not byte:
                break
        if b" 101 " not in answer.partition(b"\r\n")[0]:
            raise EngineError(f"Docker does not attach to {path}: {answer!r}")
    except BaseException:
        attached.close()
        raise
    return attached


class ContainedProcess:
    """A command in a container of its own; one thread follows it to its end.

    Output goes to the log as it comes, standard output to `stdout` where the command
    wants a pipe.
    """

    def __init__(
        self, command: Command, container: "Container", docker_socket: str
    ) -> None:
        self.command = command
        self.container = container
        self.id = ProcessId(0, 0, str(container.id))  # of nobody, until it is adopted
        self.address = LOOPBACK
        self.stdin: IO[bytes] | None = None
        self.stdout: IO[bytes] | None = None
        self._exit_code: int | None = None
        self._stream = attach(docker_socket, str(container.id))
        self._to_reader: IO[bytes] | None = None
        if command.pipe:
            self.stdin = self._stream.makefile("wb")
            reading, writing = os.pipe()
            self.stdout = os.fdopen(reading, "rb")
            self._to_reader = os.fdopen(writing, "wb", buffering=0)
        self._thread = threading.Thread(
            target=self._follow, name=f"queueproof-{command.role}", daemon=True
        )

    @property
    def role(self) -> str:
        """Return the role of its command."""
        return self.command.role

    def begin(self) -> None:
        """Follow it; called when it has been started."""
        self._thread.start()

    def exit_code(self) -> int | None:
        """Return the exit code (negative: the signal), or None while it lives."""
        return self._exit_code

    def close(self) -> None:
        """Close the harness's ends of its streams, when it has ended."""
        if self._thread.ident is not None:
            self._thread.join(timeout=OUTPUT_WITHIN_S)
        for stream in (self.stdin, self.stdout, self._to_reader):
            if stream is not None:
                with contextlib.suppress(OSError):  # what was buffered is lost anyway
                    stream.close()
        self._stream.close()

    def await_exit(self, *, within_s: float) -> int:
        """Return the exit code as soon as it is known; raises TooSlow."""
        wait_until(
            lambda: self._exit_code is not None,
            within_s=within_s,
            what=f"the container of {self.role} has ended",
        )
        assert self._exit_code is not None
        return self._exit_code

    def _follow(self) -> None:
        with self.command.log.open("ab", buffering=0) as log:
            for stream, data in frames_iter(self._stream, tty=False):
                if stream == STDOUT and self._to_reader is not None:
                    with contextlib.suppress(OSError):  # nobody reads any more
                        self._to_reader.write(data)
                else:
                    log.write(data)
        if self._to_reader is not None:
            self._to_reader.close()
        self._exit_code = self._ask_exit_code()

    def _ask_exit_code(self) -> int:
        try:
            code = int(self.container.wait(timeout=None)["StatusCode"])
        except NotFound:
            return UNKNOWN_EXIT
        except DockerException:
            return UNKNOWN_EXIT
        return BY_SIGNAL - code if code > BY_SIGNAL else code
