"""HTTP routes of rehearsals: a deployment is measured with them, by whoever runs it.

They take a place in a queue, a row and events as other jobs do, and are refused unless
the operator has allowed them: anybody could fill the queue with them.
"""

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, Field

from reference_app import answers, cancellation, lookup, submission
from reference_app.jobs import State
from reference_app.rehearsal import tasks
from reference_app.settings import settings
from reference_app.submission import IdempotencyKey

router = APIRouter(tags=["rehearsal"])

#: Seconds a rehearsal may take, and its limits beyond that.
LONGEST_S, SOFT_S, HARD_S = 60.0, 70.0, 75.0


def allowed() -> None:
    """Let a submit pass where rehearsals are switched on; HTTPException 403 else."""
    if not settings().rehearsals:
        raise HTTPException(403, "Rehearsals are off here; set REHEARSALS=true.")


class RehearsalRequest(BaseModel):
    """A job that takes its time."""

    seconds: float = Field(ge=0, le=LONGEST_S)
    #: The part of them that is processor time.
    computing: float = Field(default=0.0, ge=0, le=1)
    #: Progress messages on the way.
    steps: int = Field(default=1, ge=1, le=100)
    #: Travels with the message and does nothing.
    payload: str = Field(default="", max_length=1_000_000)


class RehearsalTaken(BaseModel):
    """Where its events come, and its result."""

    task_id: str
    websocket_channel: str


class Rehearsal(BaseModel):
    """Where it stands; moments are seconds since the epoch."""

    task_id: str
    state: State
    attempt: int
    error: str | None
    created_at: float
    started_at: float | None
    ended_at: float | None


@router.post(
    "",
    status_code=202,
    dependencies=[Depends(allowed)],
    responses={**answers.SUBMIT, 403: answers.refusal("Rehearsals are off here")},
)
def submit(
    request: RehearsalRequest, idempotency_key: IdempotencyKey = None
) -> RehearsalTaken:
    """Submit a rehearsal."""
    limits = (SOFT_S, HARD_S)
    job = submission.submit(
        tasks.rehearse, request.model_dump(), limits, key=idempotency_key
    )
    return RehearsalTaken(task_id=job, websocket_channel=f"rehearsal/{job}")


@router.get("/{task_id}", responses=answers.UNKNOWN)
def read(task_id: str) -> Rehearsal:
    """Tell where a rehearsal stands, and when it was submitted, started and ended."""
    job = lookup.known(task_id)
    return Rehearsal(task_id=job.id, **{n: getattr(job, n) for n in _OF_A_JOB})


@router.delete("/{task_id}", responses=answers.UNKNOWN)
def cancel(task_id: str) -> dict[str, str]:
    """Cancel a rehearsal: at once while it waits, within seconds while it runs."""
    status = cancellation.ask(task_id)
    if status is None:
        raise HTTPException(404, f"There is no task {task_id!r}.")
    return {"task_id": task_id, "status": status}


_OF_A_JOB = tuple(name for name in Rehearsal.model_fields if name != "task_id")
