"""What becomes of the jobs of a worker that is asked to leave."""

import logging

from reference_app import endings
from reference_app.jobs import State
from reference_app.patterns import shutdown
from reference_app.settings import Settings

log = logging.getLogger(__name__)


def install(settings: Settings) -> None:
    """Let the worker of this process leave within its grace period."""
    shutdown.install(grace_s=settings.worker_grace, hand_back=hand_back)
    warning = shutdown.entry_point_warning()
    if warning:
        log.warning("SIGTERM will not arrive: %s", warning)


def hand_back(job_id: str, comes_back: bool) -> None:
    """Let a job that outlasts the grace period be sent to another worker.

    Its attempt does not count, nothing went wrong with it. Its message, should that
    come back, is of an attempt that was given up.
    """
    if endings.store().try_again(job_id, None, free=True):
        log.warning("%s outlasts its worker: another one will do it", job_id)
        return
    # Cancelled meanwhile; if it has ended, this changes nothing.
    text = "The worker was stopped before the job was done"
    endings.finish(job_id, State.FAILED, error=text, reason=endings.Reason.LOST)
