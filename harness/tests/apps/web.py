"""A small web application without Celery: jobs that end as their payload says.

POST /jobs {"events": [[word, data], ...]}; a job's whole log is replayed to whoever
subscribes, from `after` on where they say so. Run as `python web.py PORT`.
"""

import asyncio
import itertools
import sys

import socketio
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

server = socketio.AsyncServer(async_mode="asgi")
jobs = {}
numbers = itertools.count(1)


async def health(request):
    return JSONResponse({})


async def submit(request):
    payload = await request.json()
    if payload.get("events") is None:
        return JSONResponse({"detail": "no events"}, status_code=422)
    job = f"job-{next(numbers)}"
    jobs[job] = {"status": "done", "result": {"b": 1, "a": [1.5, "é"]}, **payload}
    return JSONResponse({"id": job}, status_code=202)


async def status(request):
    job = jobs.get(request.path_params["job"])
    if job is None:
        return JSONResponse({}, status_code=404)
    return JSONResponse({key: job[key] for key in ("status", "result")})


async def cancel(request):
    jobs[request.path_params["job"]]["status"] = "gone"
    return JSONResponse({"status": "cancelling"})


@server.on("watch")
async def watch(sid, data):
    for word, fields in jobs[data["job"].rpartition("/")[2]]["events"]:
        if word == "hang up":
            await server.disconnect(sid)
            return
        if "seq" in fields and fields["seq"] <= int(data.get("after", -1)):
            continue
        await server.emit(word, {"id": data["job"], **fields}, to=sid)


@server.on("unwatch")
async def unwatch(sid, data):
    jobs[data["job"]]["status"] = "unwatched"


routes = [
    Route("/health", health),
    Route("/jobs", submit, methods=["POST"]),
    Route("/jobs/{job}", status),
    Route("/jobs/{job}", cancel, methods=["DELETE"]),
]
app = socketio.ASGIApp(server, Starlette(routes=routes))

if __name__ == "__main__":
    config = uvicorn.Config(app, port=int(sys.argv[1]), log_level="warning")
    asyncio.run(uvicorn.Server(config).serve())
