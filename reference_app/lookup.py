"""A job looked up by its id for whoever asks: unknown is 404, expired is 410."""

import time
from collections.abc import Mapping
from typing import Any

from fastapi import HTTPException

from reference_app import endings
from reference_app.jobs import Job, State
from reference_app.settings import settings


def known(job_id: str) -> Job:
    """Return the job; HTTPException 404 if nobody ever submitted it."""
    job = endings.store().get(job_id)
    if job is None:
        raise HTTPException(404, f"There is no task {job_id!r}.")
    return job


def readable(job_id: str) -> Job:
    """Return the job if its result is kept; HTTPException 404, or 410 once it is not.

    Not 404: who finds that submits the job once more.
    """
    job, kept_s = known(job_id), settings().result_ttl
    if job.ended_at is not None and job.ended_at + kept_s < time.time():
        raise HTTPException(
            410, f"Task {job_id} ended as {job.state}; its result is kept {kept_s:g} s."
        )
    return job


def standing(job: Job, event: Mapping[str, Any]) -> tuple[int, str]:
    """Return how far a job is in percent, -1 when it failed, and what is said of it.

    Args:
        job: its row, which is the truth.
        event: its newest one, or nothing.
    """
    percent, message = int(event.get("percent", 0)), str(event.get("message", ""))
    if job.state is State.PENDING:
        # Between two attempts the newest event says why.
        return percent, (job.retries and message) or "Waiting for a worker"
    if job.state is State.COMPLETED:
        return 100, "Complete"
    if job.state is State.FAILED:
        return -1, job.error or "Failed"
    return percent, "Cancelled" if job.state is State.CANCELLED else message
