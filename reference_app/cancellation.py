"""The user's wish to cancel a job, the same for every domain's route."""

from reference_app import endings
from reference_app.jobs import State

MESSAGES = {
    "cancelled": "The job was cancelled before it started.",
    "cancelling": "The job is being stopped; its ending comes as an event.",
    "already_complete": "The job had ended.",
    "already_cancelled": "The job was cancelled before.",
}


def ask(job_id: str) -> str | None:
    """Cancel a job: at once while it waits, within seconds while it runs.

    Returns what became of the wish, a key of MESSAGES; None if the job is unknown.
    """
    jobs = endings.store()
    before = jobs.get(job_id)
    if before is None:
        return None
    if before.ended:
        over = before.state is State.CANCELLED
        return "already_cancelled" if over else "already_complete"
    after = jobs.request_cancel(job_id)
    if after is None or not after.ended:
        return "cancelling"
    if after.state is State.CANCELLED:
        endings.announce(job_id)
        return "cancelled"
    return "already_complete"
