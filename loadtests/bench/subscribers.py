"""Many Socket.IO clients in one process: each keeps what it gets, and when.

A frame is read after the run, not when it comes: a comfortable client takes more of the
processor for an event than the server that sends it.
"""

import asyncio
import time
from datetime import datetime
from typing import Any, NamedTuple

from socketio.packet import CONNECT, EVENT, Packet
from websockets.asyncio.client import ClientConnection, connect

#: Engine.IO's packets, each a first letter.
OPEN, PING, PONG, MESSAGE = "0", "2", "3", "4"

#: Seconds until an answer of the server counts as missing.
ANSWER_S = 20.0


class Seen(NamedTuple):
    """One event; `late_s` is from the moment that it names until it came."""

    word: str
    seq: int
    late_s: float


class Subscriber:
    """One client in the room of one job."""

    def __init__(self, socket: ClientConnection, last: str) -> None:
        self._socket, self._last = socket, last
        self._frames: list[tuple[float, str]] = []

    @classmethod
    async def join(cls, api: str, room: str, last: str) -> "Subscriber":
        """Connect and join; `last` is the word of the event after which it leaves."""
        url = api.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
        client = cls(await connect(url, max_size=None), last)
        await client._next(OPEN)
        await client._send(Packet(CONNECT))
        await client._next(MESSAGE)
        await client._send(Packet(EVENT, ["join", {"room": room}], id=1))
        await client._next(MESSAGE)  # the server's answer: it follows from now on
        return client

    async def watch(self, within_s: float) -> None:
        """Take what comes, up to the ending.

        Raises:
            TimeoutError: it did not come.
        """
        mark = f'"{self._last}"'
        async with asyncio.timeout(within_s):
            while True:
                frame = await self._next(MESSAGE)
                self._frames.append((time.time(), frame))
                if mark in frame[:80]:
                    return

    async def leave(self) -> None:
        """Close the connection."""
        await self._socket.close()

    def seen(self) -> list[Seen]:
        """Return what came, in order."""
        return [_read(at, frame) for at, frame in self._frames]

    async def _send(self, packet: Packet) -> None:
        await self._socket.send(MESSAGE + packet.encode())

    async def _next(self, kind: str) -> str:
        while True:
            async with asyncio.timeout(ANSWER_S):
                frame = str(await self._socket.recv())
            if frame == PING:
                await self._socket.send(PONG)
            elif frame.startswith(kind):
                return frame


def _read(at: float, frame: str) -> Seen:
    word, data = Packet(encoded_packet=frame[1:]).data
    return Seen(word, data["seq"], at - _when(data))


def _when(data: dict[str, Any]) -> float:
    return datetime.fromisoformat(data["timestamp"]).timestamp()
