"""A job looked up by its id for whoever asks: unknown is 404, expired is 410."""

import time

from fastapi import HTTPException

from reference_app import endings
from reference_app.jobs import Job
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
