"""The raw WebSocket of a job: frames as on the channel `gan:training:{id}`.

Every message is a JSON object with a `type`: first `connected`, then the job's frames
from the first one on (`progress`, and one of `completed`, `failed`, `cancelled`), then
`closing`, and the server closes with 1000. A client that comes late, or again, gets the
whole story at once; with `?after=SEQ` only what follows that frame. When nothing
happens, `heartbeat` comes every GAN_HEARTBEAT_INTERVAL seconds. An unknown job is
answered by `error` and closed with 4404.
"""

import asyncio
from datetime import UTC, datetime

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from reference_app import endings, frames
from reference_app.feeds import EndOfFeed, Feeds
from reference_app.jobs import TERMINAL
from reference_app.settings import settings

router = APIRouter()

NORMAL, BROKEN, UNKNOWN = 1000, 1011, 4404


@router.websocket("/ws/gan/training/{task_id}")
async def training(websocket: WebSocket, task_id: str, after: int = 0) -> None:
    """Send a job's frames until it ends or the client leaves."""
    await websocket.accept()
    job = await asyncio.to_thread(endings.store().get, task_id)
    if job is None or not frames.has(job.kind):
        error = f"There is no task {task_id!r}."
        await websocket.send_json({"type": "error", "task_id": task_id, "error": error})
        await websocket.close(UNKNOWN)
        return
    feeds: Feeds = websocket.app.state.feeds
    sending = asyncio.create_task(_send(websocket, feeds, task_id, after))
    leaving = asyncio.create_task(_leave(websocket))
    try:
        await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in (sending, leaving):
            each.cancel()
        told = await asyncio.gather(sending, leaving, return_exceptions=True)
    for ending in told:
        gone = (WebSocketDisconnect, asyncio.CancelledError)
        if isinstance(ending, BaseException) and not isinstance(ending, gone):
            raise ending


async def _send(websocket: WebSocket, feeds: Feeds, task_id: str, after: int) -> None:
    every_s = settings().gan_heartbeat_interval
    about = {"task_id": task_id, "heartbeat_s": every_s}
    await websocket.send_json({"type": "connected", **about})
    async with feeds.reading(task_id) as reader:
        while True:
            try:
                event = await reader.next(every_s)
            except EndOfFeed:
                await websocket.close(BROKEN)
                return
            if event is None:
                now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
                beat = {"type": "heartbeat", "task_id": task_id, "timestamp": now}
                await websocket.send_json(beat)
                continue
            if event["seq"] > after:
                kind = event["kind"]
                await websocket.send_json({"type": kind, **frames.frame(event)})
            if event["kind"] in TERMINAL:
                break
    why = {"task_id": task_id, "reason": event["kind"]}
    await websocket.send_json({"type": "closing", **why})
    await websocket.close(NORMAL)


async def _leave(websocket: WebSocket) -> None:
    # What a client says is not heard; that it left is.
    while True:
        await websocket.receive_text()
