"""Socket.IO: who joins a job's room gets its whole log, then what follows, once.

A room is `<domain>/<job id>`, say `steering/6f1c...`. Each subscription is a follower
of its own in this API process: a late one starts from the first event, and N replicas
deliver one copy.
"""

import asyncio
import logging
from typing import Any

import socketio

from reference_app import events
from reference_app.jobs import Jobs
from reference_app.settings import Settings

log = logging.getLogger(__name__)


class Rooms:
    """The subscriptions of all clients of this process."""

    def __init__(self, settings: Settings, jobs: Jobs) -> None:
        self.server = socketio.AsyncServer(async_mode="asgi")
        self._jobs = jobs
        self._redis = events.connect_async(settings)
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
        if job is None or job.kind.partition(".")[0] != domain:
            error = {"channel": room, "error": f"There is no job {room!r}"}
            await self.server.emit("steering:error", error, to=sid)
            return error
        running = self._followers.get((sid, room))
        if running is None or running.done():
            self._followers[sid, room] = asyncio.create_task(
                self._forward(sid, domain, job_id)
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
        """Stop all followers and let go of Redis."""
        for key in list(self._followers):
            await _stop(self._followers.pop(key))
        await self._redis.aclose()

    async def _forward(self, sid: str, domain: str, job_id: str) -> None:
        async for event in events.follow(self._redis, self._jobs, job_id):
            await self.server.emit(f"{domain}:{event['kind']}", to_wire(event), to=sid)


def to_wire(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event in the words of the steering plan."""
    data = event["data"]
    wire = {
        "task_id": event["job_id"],
        "percent": int(event["percent"]),
        "message": event["message"],
        "current_feature": data.get("current_feature"),
        "current_strength": data.get("current_strength"),
        "timestamp": event["timestamp"],
        "seq": event["seq"],
        "attempt": event["attempt"],
    }
    return wire | {
        key: data[key] for key in ("result", "error", "reason") if key in data
    }


def _room(data: Any) -> str:
    named = data.get("room") or data.get("channel") if isinstance(data, dict) else data
    return str(named or "")


async def _stop(follower: asyncio.Task[None] | None) -> None:
    if follower is None:
        return
    follower.cancel()
    await asyncio.wait([follower])
