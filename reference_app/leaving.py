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
    """Let a job that outlasts the grace period end, unless its message comes again."""
    if comes_back:
        return
    log.warning("%s outlasts the grace period of its worker", job_id)
    text = "The worker was stopped before the job was done"
    endings.finish(job_id, State.FAILED, error=text, reason=endings.Reason.LOST)
