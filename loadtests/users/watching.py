"""How a user learns what becomes of its job: over Socket.IO, or by asking again.

One connection of Socket.IO follows the rooms of all jobs of its user. Where it was
lost, it follows them from their first event again, and what was seen stays seen.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import socketio
from gevent.event import Event

from loadtests.load import Load

#: Seconds until a connection counts as one that cannot be made.
CONNECT_S = 10.0


@dataclass
class Seen:
    """What has been seen of one job."""

    room: str = ""
    progress: float | None = None
    #: Our word for its ending, and when it was known here.
    ending: str = ""
    arrived: float | None = None
    #: When the application says that it ended.
    told_at: float | None = None
    endings: int = 0
    over: Event = field(default_factory=Event)

    def take(self, word: str | None, told_at: float | None) -> None:
        """Take an event: our word for it, and when the application says it was."""
        if word == "progress":
            self.progress = self.progress or told_at or time.time()
        elif word is not None:
            self.endings += 1
            self.ending = self.ending or word
            self.arrived = self.arrived or time.time()
            self.told_at = self.told_at or told_at
            self.over.set()


class Rooms:
    """A connection of Socket.IO, and the jobs that it follows."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._seen: dict[str, Seen] = {}
        self._client = socketio.Client(handle_sigint=False, reconnection_delay_max=1)
        self._client.on("connect", self._connected)
        self._client.on("*", self._event)

    def open(self) -> None:
        """Connect.

        Raises:
            socketio.exceptions.ConnectionError: nobody answers, or not in time.
        """
        self._client.connect(
            self._load.host, transports=["websocket"], wait_timeout=CONNECT_S
        )

    def close(self) -> None:
        """Disconnect; no room is followed any more."""
        self._client.disconnect()

    def follow(self, job_id: str) -> Seen:
        """Follow a job from its first event on."""
        room = self._load.options.room.replace("{job}", job_id)
        self._seen[job_id] = seen = Seen(room)
        self._ask("subscribe", seen.room)
        return seen

    def leave(self, job_id: str) -> None:
        """Follow it no longer."""
        seen = self._seen.pop(job_id, None)
        if seen is not None:
            self._ask("unsubscribe", seen.room)

    def _ask(self, what: str, room: str) -> None:
        try:
            self._client.emit(what, {"channel": room})
        except socketio.exceptions.SocketIOError:
            return  # it is away, and asks for all rooms when it is back

    def _connected(self) -> None:
        for seen in self._seen.values():
            self._ask("subscribe", seen.room)

    def _event(self, event: str, data: Any = None, *_: Any) -> None:
        if not isinstance(data, Mapping):
            return
        seen = self._seen.get(str(data.get(self._load.fields["id"])))
        if seen is not None:
            word = self._load.words.get(event.rpartition(":")[2])
            seen.take(word, moment(data.get("timestamp")))


def poll(
    ask: Callable[[], Mapping[str, Any] | None],
    stopping: Event,
    *,
    every_s: float,
    until: float,
    words: Mapping[str, str],
    state: str,
) -> Seen:
    """Ask for the state of a job until it has ended, the moment is past, or we stop."""
    seen = Seen()
    while not seen.over.is_set() and time.time() < until:
        answer = ask() or {}
        word = words.get(str(answer.get(state)))
        if word != "progress":
            seen.take(word, None)
        if seen.over.is_set() or stopping.wait(every_s):
            break
    return seen


def moment(told: Any) -> float | None:
    """Return seconds since the epoch of a number or a date of ISO 8601."""
    if isinstance(told, int | float):
        return float(told)
    try:
        return datetime.fromisoformat(told).timestamp()
    except (TypeError, ValueError):
        return None
