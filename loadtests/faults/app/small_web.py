"""A web application whose jobs are done at once: `python -m small_web HOST PORT`.

Whoever subscribes to a job is told so.
"""

import asyncio
import itertools
import sys

import socketio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

server = socketio.AsyncServer(async_mode="asgi")
numbers = itertools.count(1)


async def health(_: Request) -> JSONResponse:
    """Answer."""
    return JSONResponse({})


async def submit(_: Request) -> JSONResponse:
    """Take a job."""
    return JSONResponse({"id": f"job-{next(numbers)}"}, status_code=202)


async def status(_: Request) -> JSONResponse:
    """Say that it is done."""
    return JSONResponse({"status": "done"})


@server.on("watch")
async def watch(sid: str, data: dict[str, str]) -> None:
    """Tell the subscriber, and nobody else."""
    await server.emit("step", {"id": data["job"], "percent": 1}, to=sid)


routes = [
    Route("/health", health),
    Route("/jobs", submit, methods=["POST"]),
    Route("/jobs/{job}", status),
]
app = socketio.ASGIApp(server, Starlette(routes=routes))

if __name__ == "__main__":
    host, port = sys.argv[1], int(sys.argv[2])
    config = uvicorn.Config(app, host=host, port=port, log_level="warning")
    asyncio.run(uvicorn.Server(config).serve())
