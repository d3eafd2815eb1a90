"""HTTP routes of steering: submit, read, cancel, list what can be steered.

A request is checked completely before anything is recorded; the job is recorded before
its message is sent. Status words are those of the steering plan; `state` is ours.
"""

from typing import Any

from fastapi import APIRouter, Depends, HTTPException
from fastapi.exceptions import RequestValidationError

from reference_app import (
    answers,
    cancellation,
    endings,
    events,
    lookup,
    submission,
)
from reference_app.job_task import JobTask
from reference_app.jobs import State
from reference_app.settings import settings
from reference_app.steering import catalogue, gate, remembered, tasks
from reference_app.steering.errors import CatalogueError, UnknownSae
from reference_app.steering.schemas import (
    SteeringComparisonRequest,
    SteeringResultResponse,
    SteeringSweepRequest,
    SteeringTaskResponse,
)
from reference_app.submission import IdempotencyKey

router = APIRouter(tags=["steering"])

#: Of every route that submits.
BEHIND_THE_GATE: dict[str, Any] = {
    "dependencies": [Depends(gate.may_submit)],
    "responses": answers.SUBMIT,
}

#: Our states in the words of the steering plan.
WORDS = {
    State.PENDING: "pending",
    State.STARTED: "running",
    State.COMPLETED: "completed",
    State.FAILED: "failed",
    State.CANCELLED: "cancelled",
}

MESSAGES = {
    State.PENDING: "Waiting for a worker",
    State.COMPLETED: "Complete",
    State.CANCELLED: "Cancelled",
}


@router.post("/compare", status_code=202, **BEHIND_THE_GATE)
def submit_comparison(
    request: SteeringComparisonRequest, idempotency_key: IdempotencyKey = None
) -> SteeringTaskResponse:
    """Submit a comparison; its events come in the room that the answer names."""
    entry = _known_sae(request)
    for number, feature in enumerate(request.features):
        place = ("body", "features", number, "feature_idx")
        _known_feature(entry, feature.feature_idx, place)
    limits = (
        settings().steering_soft_time_limit,
        settings().steering_hard_time_limit,
    )
    return _submit(tasks.compare, request.model_dump(), limits, idempotency_key)


@router.post("/sweep", status_code=202, **BEHIND_THE_GATE)
def submit_sweep(
    request: SteeringSweepRequest, idempotency_key: IdempotencyKey = None
) -> SteeringTaskResponse:
    """Submit a sweep of one feature over many strengths."""
    entry = _known_sae(request)
    _known_feature(entry, request.feature_idx, ("body", "feature_idx"))
    limits = (
        settings().steering_sweep_soft_time_limit,
        settings().steering_sweep_hard_time_limit,
    )
    return _submit(tasks.sweep, request.model_dump(), limits, idempotency_key)


@router.get("/result/{task_id}", responses=answers.FETCH)
def result(task_id: str) -> SteeringResultResponse:
    """Tell where a job stands, with its result once it is completed."""
    job = lookup.readable(task_id)
    state, percent, message = str(job.state), 0, MESSAGES.get(job.state, "")
    if job.state is State.STARTED:
        event = events.latest(endings.client(), endings.store(), job)
        percent = int(event["percent"]) if event else 0
        message = event["message"] if event else "Started"
        if percent > 0:
            state = "progress"
    elif job.state is State.COMPLETED:
        percent = 100
    elif job.state is State.FAILED:
        percent, message = -1, job.error or "Failed"
    cancelling = not job.ended and job.cancel_requested_at is not None
    return SteeringResultResponse(
        task_id=job.id,
        status="cancelling" if cancelling else WORDS[job.state],
        state=state,
        result=job.result,
        error=job.error,
        reason=job.reason,
        progress=percent,
        message=message,
        attempt=job.attempt,
    )


@router.delete("/task/{task_id}", responses=answers.UNKNOWN)
def cancel(task_id: str) -> dict[str, str]:
    """Cancel a job: at once while it waits, within seconds while it runs."""
    status = cancellation.ask(task_id)
    if status is None:
        raise HTTPException(404, f"There is no task {task_id!r}.")
    message = cancellation.MESSAGES[status]
    return {"task_id": task_id, "status": status, "message": message}


@router.get("/saes")
def saes() -> dict[str, Any]:
    """List models, SAEs and their features, and what cannot be used and why."""
    return catalogue.listing(settings().models_dir)


def _submit(
    task: JobTask,
    request: dict[str, Any],
    limits: tuple[float, float],
    key: str | None,
) -> SteeringTaskResponse:
    task_id = submission.submit(task, request, limits, key=key)
    channel = f"steering/{task_id}"
    return SteeringTaskResponse(
        task_id=task_id,
        status="pending",
        message=f"Task submitted. Subscribe to channel {channel} for progress.",
        websocket_channel=channel,
    )


def _known_sae(
    request: SteeringComparisonRequest | SteeringSweepRequest,
) -> catalogue.SaeEntry:
    try:
        entry = remembered.find_sae(settings().models_dir, request.sae_id)
        catalogue.check_claims(entry, request.model_dump())
    except UnknownSae as error:
        raise HTTPException(404, str(error)) from None
    except CatalogueError as error:
        raise _invalid(("body", "sae_id"), str(error)) from None
    return entry


def _known_feature(
    entry: catalogue.SaeEntry, index: int, place: tuple[str | int, ...]
) -> None:
    try:
        entry.unit(index)
    except ValueError as error:
        raise _invalid(place, str(error)) from None


def _invalid(place: tuple[str | int, ...], message: str) -> RequestValidationError:
    return RequestValidationError(
        [{"type": "value_error", "loc": place, "msg": message, "input": None}]
    )
