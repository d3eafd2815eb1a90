"""The API process: HTTP and Socket.IO in front of the job records and the queue.

It imports neither torch nor transformers nor scikit-learn; handlers that may block are
plain functions, which Starlette runs in its thread pool.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

import socketio
import uvicorn
from fastapi import FastAPI, Query, Request, Response
from fastapi.exception_handlers import request_validation_exception_handler
from fastapi.exceptions import RequestValidationError

from reference_app import endings
from reference_app.agent import api as agent
from reference_app.agent import chat_api
from reference_app.agent import gone as agent_of_old
from reference_app.agent import socket as agent_socket
from reference_app.broker import app
from reference_app.feeds import Feeds
from reference_app.job_task import functions
from reference_app.jobs import Job
from reference_app.local_path import LocalPath
from reference_app.reconcile import StandIn
from reference_app.rehearsal import api as rehearsal
from reference_app.settings import settings
from reference_app.sockets import Rooms
from reference_app.steering import api as steering
from reference_app.steering import gate as steering_gate
from reference_app.steering import legacy as steering_legacy
from reference_app.tvae import api as gan
from reference_app.tvae import socket as gan_socket

JSON = "application/json"

#: Seconds open sockets may hold up the end of the process.
SHUTDOWN_S = 1


def create_app() -> socketio.ASGIApp:
    """Return the ASGI application, with settings from the environment."""
    endings.never_forks()
    feeds = Feeds(settings(), endings.store())
    rooms = Rooms(feeds, endings.store())
    agent_socket.install(rooms)
    stand_in = StandIn(settings())
    old_path = LocalPath(settings(), functions(app))

    @contextlib.asynccontextmanager
    async def lifespan(api: FastAPI) -> AsyncIterator[None]:
        api.state.feeds = feeds
        stand_in.start()
        old_path.start()
        yield
        await rooms.close()
        await feeds.close()
        await asyncio.to_thread(stand_in.stop)
        await asyncio.to_thread(old_path.stop)

    api = FastAPI(title="queueproof reference application", lifespan=lifespan)
    for routes in (steering, steering_gate, steering_legacy):
        api.include_router(routes.router, prefix="/api/v1/steering")
    api.include_router(rehearsal.router, prefix="/api/v1/rehearsals")
    api.include_router(gan.router, prefix="/api/gan")
    api.include_router(gan_socket.router)
    api.include_router(agent.router, prefix="/api/v2/agent")
    api.include_router(agent_of_old.router, prefix="/api/agent")
    api.include_router(chat_api.router, prefix="/api/v2/chat")

    api.add_exception_handler(RequestValidationError, _refuse)

    @api.get("/api/v1/health")
    async def health() -> dict[str, str]:
        """Answer as long as the event loop is not blocked."""
        return {"status": "ok"}

    @api.get("/api/v1/jobs")
    def jobs(
        limit: Annotated[int, Query(ge=1, le=500)] = 50, active: bool = False
    ) -> list[dict[str, Any]]:
        """List the latest jobs, newest first; `active`: those that have not ended."""
        found = endings.store().recent(limit, only_active=active)
        return [_summary(job) for job in found]

    return socketio.ASGIApp(rooms.server, other_asgi_app=api)


def main(host: str, port: int) -> None:
    """Serve until SIGTERM."""
    uvicorn.run(
        create_app(),
        host=host,
        port=port,
        log_level="info",
        # An event is a few hundred bytes: to compress it takes longer than to send it.
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )


async def _refuse(request: Request, error: Exception) -> Response:
    """Answer 422, also where what was sent cannot be sent back: NaN, half a letter."""
    assert isinstance(error, RequestValidationError)
    try:
        return await request_validation_exception_handler(request, error)
    except ValueError:
        told = [{key: each[key] for key in ("type", "msg")} for each in error.errors()]
        places = [[str(part) for part in each["loc"]] for each in error.errors()]
        detail = [{**one, "loc": loc} for one, loc in zip(told, places, strict=True)]
        return Response(json.dumps({"detail": detail}), 422, media_type=JSON)


def _summary(job: Job) -> dict[str, Any]:
    return {
        "task_id": job.id,
        "kind": job.kind,
        "state": job.state,
        "reason": job.reason,
        "attempt": job.attempt,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
    }
