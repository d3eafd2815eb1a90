"""The synchronous routes of old: deprecated, and gone after STEERING_SYNC_SUNSET.

They still work, so that a client can move when it has the time: the same job on the
same worker, with its limits, under the same gate, and this request waits for its end.
Nothing is computed in the API, and the wait is bounded: a job that takes longer is
answered with 202 and its id, as its successor would have answered, and goes on.

The answer about a job carries Deprecation (RFC 9745), a Link to the successor, and
Sunset (RFC 8594) once a day is set. From that day on the answer is 410.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, time
from email.utils import format_datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import JSONResponse

from reference_app import answers, endings, events
from reference_app.jobs import Job, State
from reference_app.settings import settings
from reference_app.steering import api, gate
from reference_app.steering.schemas import (
    SteeringComparisonRequest,
    SteeringSweepRequest,
    SteeringTaskResponse,
)

#: Since when, in seconds since the epoch: 22 November 2026.
DEPRECATED_AT = 1_795_305_600

OVER_TIME = (endings.Reason.SOFT_TIME_LIMIT, endings.Reason.HARD_TIME_LIMIT)

router = APIRouter(tags=["steering"])

Result = dict[str, Any]


def headers(request: Request) -> dict[str, str]:
    """Return what every answer says about the future of its route.

    Raises:
        HTTPException: 410, the day has come.
    """
    successor = request.url.path.removesuffix("/sync")
    found = {
        "Deprecation": f"@{DEPRECATED_AT}",
        "Link": f'<{successor}>; rel="successor-version"',
    }
    last_day = settings().steering_sync_sunset
    if last_day is None:
        return found
    sunset = datetime.combine(last_day, time(), UTC)
    found["Sunset"] = format_datetime(sunset, usegmt=True)
    if datetime.now(UTC) >= sunset:
        text = f"Gone: POST {successor} answers with a task_id."
        raise HTTPException(410, text, headers=found)
    return found


Headers = Annotated[dict[str, str], Depends(headers)]

#: First whether the route is there at all, then the gate.
DEPRECATED: dict[str, Any] = {
    "deprecated": True,
    "response_model": Result,
    "dependencies": [Depends(headers), Depends(gate.may_submit)],
    "responses": {
        **answers.SUBMIT,
        202: {"model": SteeringTaskResponse, "description": "It takes longer"},
        410: answers.refusal("Gone: use the successor in Link"),
        502: answers.refusal("The job failed or was cancelled"),
        504: answers.refusal("The job ran into its time limit"),
    },
}


@router.post("/compare/sync", **DEPRECATED)
async def compare(request: SteeringComparisonRequest, about: Headers) -> Response:
    """Compare and wait for the result. Deprecated: use POST /compare."""
    return await _submit_and_wait(lambda: api.submit_comparison(request), about)


@router.post("/sweep/sync", **DEPRECATED)
async def sweep(request: SteeringSweepRequest, about: Headers) -> Response:
    """Sweep and wait for the result. Deprecated: use POST /sweep."""
    return await _submit_and_wait(lambda: api.submit_sweep(request), about)


async def _submit_and_wait(
    submit: Callable[[], SteeringTaskResponse], about: dict[str, str]
) -> Response:
    # No thread waits: there are few of them, and a wait is long.
    submitted = await asyncio.to_thread(submit)
    job = await _ended(submitted.task_id, settings().steering_sync_wait)
    if job is None:
        return JSONResponse(submitted.model_dump(), 202, about)
    if job.state is State.COMPLETED:
        return JSONResponse(job.result, 200, about)
    error = job.error or f"The job was {job.state}"
    code = 504 if job.reason in OVER_TIME else 502
    body = {"detail": error, "task_id": job.id, "reason": job.reason}
    return JSONResponse(body, code, about)


async def _ended(job_id: str, within_s: float) -> Job | None:
    """Return the job once it has ended, None if it has not in time."""
    client, jobs = events.connect_async(settings()), endings.store()
    try:
        async with asyncio.timeout(within_s):
            async for _ in events.follow(client, jobs, job_id):
                pass
    except TimeoutError:
        pass
    finally:
        await client.aclose()
    job = await asyncio.to_thread(jobs.get, job_id)
    return job if job is not None and job.ended else None
