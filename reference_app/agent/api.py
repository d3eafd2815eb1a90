"""HTTP routes of the agent: start it, or a part of it, ask, and stop.

A start while a run goes on waits or is 409, as AGENT_WHEN_BUSY says. Tasks of all three
queues are asked for and stopped here.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query
from fastapi.exceptions import RequestValidationError

from reference_app import (
    answers,
    board,
    cancellation,
    endings,
    events,
    lookup,
    submission,
)
from reference_app.agent import starts, tasks
from reference_app.agent.schemas import (
    StartedResponse,
    StartRequest,
    StateResponse,
    StatusResponse,
    StoppedResponse,
    StopRequest,
    TaskRequest,
)
from reference_app.jobs import Job, State
from reference_app.settings import settings
from reference_app.submission import IdempotencyKey

router = APIRouter(tags=["agent"])

BUSY = {409: answers.refusal("A run goes on, and there is one at a time")}

#: What can be run on its own, by the last part of its route.
PARTS = {
    task.name.partition(".")[2]: task
    for task in (
        *(tasks.fetch_bookmarks, tasks.git_sync, tasks.process_tweets),
        *(tasks.generate_synthesis, tasks.generate_embeddings, tasks.generate_readme),
    )
}

Part = Literal[
    *("fetch_bookmarks", "git_sync", "process_tweets"),
    *("generate_synthesis", "generate_embeddings", "generate_readme"),
]


@router.post("/start", status_code=202, responses={**answers.SUBMIT, **BUSY})
def start(request: StartRequest, key: IdempotencyKey = None) -> StartedResponse:
    """Run the agent."""
    return started(starts.start(request.model_dump(), key), "agent")


@router.post("/tasks/{part}", status_code=202, responses=answers.SUBMIT)
def run_part(
    part: Part, request: TaskRequest, key: IdempotencyKey = None
) -> StartedResponse:
    """Run one part of the agent on its own."""
    if part != "process_tweets":
        _nothing_of_bookmarks(part, request)
    task = PARTS[part]
    domain = task.name.partition(".")[0]
    limits = limits_of(domain)
    wanted = request.model_dump(exclude_none=True)
    return started(submission.submit(task, wanted, limits, key=key), domain)


@router.get("/status/{task_id}", responses=answers.FETCH)
def status(
    task_id: str, lines: Annotated[int, Query(ge=0, le=1000)] = 20
) -> StatusResponse:
    """Tell where a task stands, with its result and the last lines of its log."""
    known(task_id)
    job = lookup.readable(task_id)
    event = events.latest(endings.client(), endings.store(), job) or {}
    told = event.get("data", {})
    progress, message = lookup.standing(job, event)
    return StatusResponse(
        task=job.kind,
        is_running=job.state is State.STARTED,
        progress=progress,
        phase=told.get("phase"),
        message=message,
        logs=board.lines(endings.client(), job.id, lines),
        task_id=job.id,
        **{name: getattr(job, name) for name in _OF_A_JOB},
    )


@router.post("/stop", responses={**answers.UNUSABLE, **answers.UNKNOWN})
def stop(request: StopRequest) -> StoppedResponse:
    """Stop a task: at once while it waits, within seconds while it runs."""
    task_id = request.task_id or _foremost()
    word = cancellation.ask(known(task_id).id)
    return StoppedResponse(
        task_id=task_id, status=word, message=cancellation.MESSAGES[word]
    )


@router.get("/state")
def state() -> StateResponse:
    """Tell whether a run goes on, which, and how many wait."""
    return StateResponse(**starts.state())


_OF_A_JOB = (
    *("state", "result", "error", "reason", "attempt"),
    *("created_at", "started_at", "ended_at"),
)


def started(task_id: str, domain: str) -> StartedResponse:
    """Return the answer to a submission in one of the agent's domains."""
    return StartedResponse(
        task_id=task_id,
        websocket_channel=f"{domain}/{task_id}",
        websocket_room=f"task/{task_id}",
        status_url=f"/api/v2/agent/status/{task_id}",
    )


def limits_of(domain: str) -> tuple[float, float]:
    """Return the soft and the hard limit of a domain's jobs, in seconds."""
    soft_s: float = getattr(settings(), f"{domain}_soft_time_limit")
    hard_s: float = getattr(settings(), f"{domain}_hard_time_limit")
    return soft_s, hard_s


def known(task_id: str) -> Job:
    """Return a job of the agent's; HTTPException 404 for any other id."""
    job = endings.store().get(task_id)
    if job is None or not board.has(job.kind):
        raise HTTPException(404, f"There is no task {task_id!r}.")
    return job


def _foremost() -> str:
    unended = endings.store().unended(tasks.run_agent.name)
    unended.sort(key=lambda job: job.state is not State.STARTED)
    if not unended:
        raise HTTPException(404, "The agent does not run, and no run waits.")
    return unended[0].id


def _nothing_of_bookmarks(part: str, request: TaskRequest) -> None:
    for name in ("tweet_ids", "phase"):
        given: Any = getattr(request, name)
        if given is not None:
            text = f"{part} takes no {name}; process_tweets does."
            raise RequestValidationError(
                [{"type": "value_error", "loc": ("body", name), "msg": text}]
            )
