"""One page that watches one job: its connection, how it is lost, how it comes back."""

import contextlib
import socket
from typing import TYPE_CHECKING, Any

import engineio  # type: ignore[import-untyped]
import socketio

from harness.errors import StackError
from harness.replica import Replica
from harness.target import Socket

if TYPE_CHECKING:
    from harness.driver import Driver

#: Seconds until a Socket.IO connection must stand.
CONNECT_WITHIN_S = 10.0

#: What stands for the last number in the words by which a page asks for a job.
SEQ = "{seq}"


class Subscriber:
    """One page that watches one job, on a connection of its own."""

    def __init__(
        self,
        driver: "Driver",
        events: Socket,
        job: str,
        name: str,
        at: Replica | None = None,
        resumes: "Subscriber | None" = None,
    ) -> None:
        self.job = job
        self.name = name
        self.at = at
        #: The highest number among its events, and those of the one it resumes.
        self.seq: int = resumes.seq if resumes else 0
        self._driver = driver
        self._socket = events
        self._left = False
        self._connection: Any = None
        self._client = _OrderedClient(reconnection=False, handle_sigint=False)
        self._client.on("*", self._on_event)
        self._client.on("disconnect", self._on_lost)

    @property
    def after(self) -> int | None:
        """Return up to where it says that it knows the events, None where it cannot."""
        told = any(SEQ in word for word in self._socket.room.values())
        return self.seq if told else None

    def came_to(self, seq: Any) -> None:
        """Note the number of an event that it got."""
        if isinstance(seq, int):
            self.seq = max(self.seq, seq)

    def connect(self, url: str) -> None:
        """Connect and ask for the job's events; StackError where it is refused."""
        room = self._room()  # before an event comes
        try:
            self._client.connect(
                url,
                transports=["websocket"],
                socketio_path=self._socket.path,
                wait_timeout=CONNECT_WITHIN_S,
            )
        except socketio.exceptions.ConnectionError as error:
            raise StackError(f"No Socket.IO connection to {url}: {error}") from error
        self._connection = self._client.eio.ws
        self._client.emit(self._socket.subscribe, room)

    def unsubscribe(self) -> None:
        """Leave the room and hang up, as a page does that is closed."""
        if self._client.connected:
            self._client.emit(self._socket.unsubscribe, self._room())
        self._gone()
        self.close()

    def drop(self) -> None:
        """Lose the connection without a goodbye, as when a browser is killed.

        The kernel ends it; no frame of WebSocket or Socket.IO says so.
        """
        self._gone(dropped=True)
        with contextlib.suppress(OSError, AttributeError):  # it is gone already
            self._client.eio.ws.sock.shutdown(socket.SHUT_RDWR)

    def again(self) -> "Subscriber":
        """Watch the same job on a new connection, as a page does that came back."""
        self._gone(dropped=True)
        self.close()
        name = f"{self.name}+"
        return self._driver.subscribe(
            self.job, name, late=True, at=self.at, resumes=self
        )

    @property
    def port(self) -> int | None:
        """Return the local port of its connection, None where there is none."""
        try:
            return int(self._client.eio.ws.sock.getsockname()[1])
        except (OSError, AttributeError):
            return None

    def close(self) -> None:
        """Hang up."""
        self._left = True
        self._client.disconnect()
        # One that broke is let go of, and not closed (python-engineio 4.15).
        if self._connection is not None:
            self._connection.shutdown()

    def _gone(self, **how: bool) -> None:
        """Record, once, that it hears nothing more."""
        if not self._left:
            self._left = True
            self._driver.history.record(
                "driver", "unsubscribed", self.job, subscriber=self.name, **how
            )

    def _room(self) -> dict[str, str]:
        words = {"job": self.job, "seq": self.seq}
        return {k: v.format_map(words) for k, v in self._socket.room.items()}

    def _on_event(self, word: str, data: Any = None, *_: Any) -> None:
        self._driver.on_event(self, word, data)

    def _on_lost(self, *_: Any) -> None:
        self._gone(dropped=True)


class _InOrder(engineio.Client):  # type: ignore[misc]
    """Handles messages one after the other, in the order they came.

    The library gives each message a thread of its own, so that two that come together
    may be handled in the wrong order: fine for a chat, not for a witness.
    """

    def _trigger_event(self, event: str, *args: Any, **kwargs: Any) -> Any:
        if event == "message":
            kwargs["run_async"] = False
        return super()._trigger_event(event, *args, **kwargs)


class _OrderedClient(socketio.Client):  # type: ignore[misc]
    def _engineio_client_class(self) -> type[engineio.Client]:
        return _InOrder
