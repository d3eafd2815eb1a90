"""A client's view of one job: its events, and its ending whatever the socket does.

Socket.IO tells at once. While there is no connection the client polls the job's result
instead, and on a new connection it joins again and gets the whole log: what it has seen
is left out. So a watcher that lives long enough sees exactly one ending, the same.
"""

import contextlib
import time
from collections.abc import Iterator
from queue import Empty, Queue
from typing import Any, NamedTuple

import httpx
import socketio

TERMINAL = ("completed", "failed", "cancelled")

#: Seconds between two polls without a socket.
POLL_S = 0.5

#: Seconds one poll, or the first connection, may take.
ANSWER_S = 5.0


class Seen(NamedTuple):
    """One event; `data` has the fields of the wire, `seq` is None if it was polled."""

    kind: str
    data: dict[str, Any]
    seq: int | None


class NoEnding(TimeoutError):
    """The job has not ended in time, or nobody could be asked."""


def watch(
    task_id: str, *, sockets: str, result: str, domain: str, within_s: float
) -> Iterator[Seen]:
    """Yield what happens to a job, the ending last.

    Args:
        task_id: the job.
        sockets: where the Socket.IO server is.
        result: the URL that tells how the job stands.
        domain: what stands before the colon of its events.
        within_s: seconds until the ending.

    Raises:
        NoEnding: no ending in that time.
    """
    deadline_s = time.monotonic() + within_s
    incoming: Queue[Seen] = Queue()
    last_seq, last_percent = 0, -1
    with _socket(sockets, domain, task_id, incoming) as client:
        while time.monotonic() < deadline_s:
            seen = _next(incoming, min(POLL_S, deadline_s - time.monotonic()))
            if seen is None and not client.connected:
                seen = _poll(result)
            if seen is None or (seen.seq is not None and seen.seq <= last_seq):
                continue
            if seen.seq is not None:
                last_seq = seen.seq
            percent = seen.data["percent"]
            if seen.kind not in TERMINAL and percent <= last_percent:
                continue  # the log tells again what a poll has told
            last_percent = percent
            yield seen
            if seen.kind in TERMINAL:
                return
    raise NoEnding(f"{task_id} has not ended within {within_s:g} s")


@contextlib.contextmanager
def _socket(
    url: str, domain: str, task_id: str, incoming: Queue[Seen]
) -> Iterator[socketio.Client]:
    client = socketio.Client(reconnection_delay=POLL_S, reconnection_delay_max=ANSWER_S)
    for kind in ("progress", *TERMINAL):
        client.on(
            f"{domain}:{kind}",
            lambda data, kind=kind: incoming.put(Seen(kind, data, data["seq"])),
        )
    # On every connection: the server forgets who is gone.
    client.on("connect", lambda: client.emit("join", {"room": f"{domain}/{task_id}"}))

    def close(reason: str) -> None:
        # A connection that broke is replaced and not closed (python-engineio 4.15).
        if reason != client.reason.CLIENT_DISCONNECT and client.eio.ws:
            client.eio.ws.shutdown()

    client.on("disconnect", close)
    # Without sockets from the beginning, polling does it all.
    with contextlib.suppress(socketio.exceptions.ConnectionError):
        client.connect(url, transports=["websocket"], wait_timeout=ANSWER_S)
    try:
        yield client
    finally:
        client.shutdown()


def _next(incoming: Queue[Seen], within_s: float) -> Seen | None:
    try:
        return incoming.get(timeout=max(0.0, within_s))
    except Empty:
        return None


def _poll(url: str) -> Seen | None:
    try:
        body = httpx.get(url, timeout=ANSWER_S).raise_for_status().json()
    except httpx.HTTPError:
        return None  # the API may be away with its sockets; both come back
    kind = body["state"] if body["state"] in TERMINAL else "progress"
    shown = {"percent": body["progress"], **body}
    return Seen(kind, shown, None)
