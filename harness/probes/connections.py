"""Which connections exist: what Redis lists, what a process holds, what answers."""

import socket
import time

import redis

from harness.engines import LOOPBACK, Engine, Process
from harness.proxy import PROBE_HOST

#: Seconds Redis may take to answer.
ANSWER_WITHIN_S = 2.0

#: Flags of CLIENT LIST: a subscriber, and what is no client of an application.
SUBSCRIBER = "P"
NOT_A_CLIENT = frozenset("MSO")


def listed(url: str) -> list[dict[str, str]]:
    """Return CLIENT LIST, without this probe's own line and those of replicas.

    Raises:
        redis.RedisError: Redis is away.
    """
    with redis.Redis.from_url(url, socket_timeout=ANSWER_WITHIN_S) as client:
        own, lines = client.client_id(), client.client_list()
    return [
        line
        for line in lines
        if int(line["id"]) != own and not NOT_A_CLIENT & set(line["flags"])
    ]


def is_subscriber(line: dict[str, str]) -> bool:
    """Whether this line of CLIENT LIST is of a Pub/Sub connection."""
    return SUBSCRIBER in line["flags"]


def held(engine: Engine, process: Process, port: int) -> set[str]:
    """Return from where ("address:port") a part's tree is connected to this port.

    Each is the `addr` of a line of CLIENT LIST.
    """
    return {
        local
        for info in engine.tree(process)
        for local, remote in engine.connections(info.id)
        if remote.endswith(f":{port}")
    }


def ping(
    port: int, *, within_s: float, host: str = LOOPBACK, say: str = "PING"
) -> float | str:
    """Return the seconds a PING to this port took, or why it was not answered.

    `say` is another command in its place.
    """
    begin = time.monotonic()
    try:
        with socket.create_connection(
            (host, port), timeout=within_s, source_address=(PROBE_HOST, 0)
        ) as probe:
            probe.sendall(f"{say}\r\n".encode())
            answer = probe.recv(64)
    except OSError as error:
        return str(error)
    return time.monotonic() - begin if answer else "closed without an answer"
