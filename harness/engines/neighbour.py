"""A process of ours in a container that needs memory, so that the kernel ends another.

The kernel takes whom it prefers only when somebody needs a page, and who sleeps needs
none. The neighbour stops as soon as a victim is dead: with the memory it leaves there
is room again, and going on would cost the next one, the main process.
"""

import contextlib
import json
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from docker.utils.socket import frames_iter

from harness.engines import ProcessId
from harness.engines.contained import hijack
from harness.engines.daemon import docker_says
from harness.errors import EngineError

if TYPE_CHECKING:
    from docker.models.containers import Container

#: After the victims (1000) the kernel takes it first, which gives back what it had.
PROGRAM = """
import os, select, sys

def lives(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False

with open("/proc/self/oom_score_adj", "w") as file:
    file.write("999")
os.write(1, b"ready")
os.read(0, 1)
held = []
while all(map(lives, sys.argv[1:])) and len(held) < 16384:
    held.append(b"x" * 2**14)
    if select.select([0], [], [], 0)[0]:
        break
"""

READY = b"ready"

#: Seconds in which it is there; Python starts in 0.1.
READY_WITHIN_S = 15.0


@contextmanager
def neighbour(
    container: "Container",
    docker_socket: str,
    python: str,
    victims: Sequence[ProcessId],
) -> Iterator[Callable[[], None]]:
    """Start one that ends with the body; call what this yields to let it take memory.

    It takes 256 MiB at most. Raises EngineError where it cannot run in the container.
    """
    command = [python, "-S", "-c", PROGRAM, *(str(victim.pid) for victim in victims)]
    with docker_says(f"run a process of ours in {container.name}"):
        made = container.client.api.exec_create(container.id, command, stdin=True)
    start = json.dumps({"Detach": False, "Tty": False}).encode()
    with hijack(docker_socket, f"/exec/{made['Id']}/start", start) as streams:
        streams.settimeout(READY_WITHIN_S)
        said = _first_words(streams)
        if said != READY:
            raise EngineError(
                f"{python} should have been ready in {container.name} within "
                f"{READY_WITHIN_S:.0f} s, and said {said!r}. Does it work there?"
            )

        def take() -> None:
            with contextlib.suppress(OSError):  # the kernel took it before
                streams.sendall(b"!")

        yield take


def _first_words(streams: socket.socket) -> bytes:
    try:
        return next(frames_iter(streams, tty=False), (0, b""))[1]
    except TimeoutError:
        return b""
