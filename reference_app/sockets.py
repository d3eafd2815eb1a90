"""Socket.IO: who joins a job's room gets its whole log, then what follows, once.

A room is `<domain>/<job id>`, say `steering/6f1c...`; words.py says what its events are
called. Each subscription reads the job's feed in this API process from its first event
on, however late it comes; the log itself is followed once per process, and N replicas
deliver one copy. A client that lost its
connection joins again with `after`, the `seq` of the last event it has, and is sent the
rest.
"""

import asyncio
import logging
from collections import OrderedDict
from typing import Any

import socketio
from engineio import packet as engine
from socketio import packet

from reference_app import words
from reference_app.feeds import EndOfFeed, Feeds
from reference_app.jobs import TERMINAL, Jobs

log = logging.getLogger(__name__)

#: Packets kept for subscribers who are not as far as others: some megabytes at most.
KEPT = 2_000


class Rooms:
    """The subscriptions of all clients of this process."""

    def __init__(self, feeds: Feeds, jobs: Jobs) -> None:
        self.server = socketio.AsyncServer(async_mode="asgi")
        self._feeds, self._jobs = feeds, jobs
        self._packets = Packets()
        self._followers: dict[tuple[str, str], asyncio.Task[None]] = {}
        for word in ("join", "subscribe"):
            self.server.on(word, self.join)
        for word in ("leave", "unsubscribe"):
            self.server.on(word, self.leave)
        self.server.on("disconnect", self.drop)

    async def join(self, sid: str, data: Any) -> dict[str, Any]:
        """Start following the job of a room; joining twice is joining once."""
        room = _room(data)
        domain, _, job_id = room.partition("/")
        job = await asyncio.to_thread(self._jobs.get, job_id) if job_id else None
        if job is None or not words.spoken_of(domain, job.kind):
            error = {"channel": room, "error": f"There is no job {room!r}"}
            await self.server.emit("steering:error", error, to=sid)
            return error
        running = self._followers.get((sid, room))
        if running is None or running.done():
            self._followers[sid, room] = asyncio.create_task(
                self._forward(sid, domain, job_id, _after(data))
            )
        return {"channel": room}

    async def leave(self, sid: str, data: Any) -> None:
        """Stop following; nothing of the room is sent afterwards."""
        await _stop(self._followers.pop((sid, _room(data)), None))

    async def drop(self, sid: str, reason: str = "") -> None:
        """Forget a client that is gone."""
        for key in [key for key in self._followers if key[0] == sid]:
            await _stop(self._followers.pop(key))

    async def close(self) -> None:
        """Stop all subscriptions."""
        for key in list(self._followers):
            await _stop(self._followers.pop(key))

    async def _forward(self, sid: str, domain: str, job_id: str, after: int) -> None:
        # As `emit` does it, but for the encoding, which is most of its work.
        to = self.server.manager.eio_sid_from_sid(sid, "/")
        async with self._feeds.reading(job_id) as reader:
            while True:
                try:
                    event = await reader.next()
                except EndOfFeed:
                    return
                # The ending in any case: from the row it has another `seq`.
                if event["seq"] <= after and event["kind"] not in TERMINAL:
                    continue
                await self.server.eio.send_packet(to, self._packets.of(domain, event))


class Packets:
    """Events as packets of Socket.IO, each made once for all who are sent it."""

    def __init__(self) -> None:
        self._made: OrderedDict[
            tuple[str, str, int], tuple[dict[str, Any], engine.Packet]
        ] = OrderedDict()

    def of(self, domain: str, event: dict[str, Any]) -> engine.Packet:
        """Return the packet of an event; the latest ones are kept."""
        key = domain, event["job_id"], event["seq"]
        known, made = self._made.get(key, (None, None))
        # A log that Redis has lost begins again, with other events of the same `seq`.
        if made is None or known is not event:
            data = list(words.of(domain, event))
            text = packet.Packet(packet.EVENT, data, namespace="/").encode()
            made = engine.Packet(engine.MESSAGE, text)
            self._made[key] = event, made
            if len(self._made) > KEPT:
                self._made.popitem(last=False)
        return made


def _room(data: Any) -> str:
    named = data.get("room") or data.get("channel") if isinstance(data, dict) else data
    return str(named or "")


def _after(data: Any) -> int:
    """Return the `seq` of the last event that a client has, 0 for none."""
    said = data.get("after") if isinstance(data, dict) else None
    try:
        return int(said or 0)
    except (TypeError, ValueError):
        return 0


async def _stop(follower: asyncio.Task[None] | None) -> None:
    if follower is None:
        return
    follower.cancel()
    await asyncio.wait([follower])
