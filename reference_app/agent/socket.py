"""Starting and stopping the agent over Socket.IO: `run_agent`, `stop_agent`.

Each does what its route does, with the same request, and answers by an acknowledgement:
what the route answers, or `error` and the `status` that HTTP would have. Who starts a
run is in its room `task/<id>` from the first event on.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from fastapi import HTTPException
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from reference_app.agent import api
from reference_app.agent.schemas import StartRequest, StopRequest
from reference_app.sockets import Rooms
from reference_app.words import TASK

Answer = dict[str, Any]


def install(rooms: Rooms) -> None:
    """Let the server of these rooms hear both words."""

    async def run_agent(sid: str, data: Any = None) -> Answer:
        answer = await asyncio.to_thread(_answer, api.start, StartRequest, data)
        if "task_id" in answer:
            await rooms.join(sid, {"room": f"{TASK}/{answer['task_id']}"})
        return answer

    async def stop_agent(sid: str, data: Any = None) -> Answer:
        return await asyncio.to_thread(_answer, api.stop, StopRequest, data)

    rooms.server.on("run_agent", run_agent)
    rooms.server.on("stop_agent", stop_agent)


def _answer(
    route: Callable[[Any], BaseModel], asked: type[BaseModel], data: Any
) -> Answer:
    try:
        return route(asked.model_validate(data or {})).model_dump(mode="json")
    except ValidationError as error:
        return _refused(422, error.errors(include_url=False, include_context=False))
    except RequestValidationError as error:
        return _refused(422, error.errors())
    except HTTPException as error:
        return _refused(error.status_code, error.detail)


def _refused(status: int, why: Any) -> Answer:
    return {"success": False, "status": status, "error": why}
