"""Ends what no process can end, and announces what was not announced.

It runs inside beat, not as a Celery task: it must work when no worker lives.
"""

import logging
import time

import redis
from sqlalchemy.exc import SQLAlchemyError

from reference_app import endings
from reference_app.jobs import State
from reference_app.patterns.reconcile import Leases
from reference_app.settings import Settings

log = logging.getLogger(__name__)

#: Seconds after which a job whose sender never confirmed the message counts as unsent:
#: far more than the longest publish.
UNSENT_S = 60.0


class Reconciler:
    """Looks every `interval_s`; one per deployment is enough, two do no harm."""

    def __init__(self, settings: Settings) -> None:
        self.interval_s = settings.reconcile_interval
        self._leases = Leases(endings.client(), lease_s=settings.lease_seconds)
        self._next_s = 0.0

    def run_if_due(self) -> None:
        """Look, unless the last look is less than `interval_s` old.

        Trouble with Redis or the database is logged, never raised.
        """
        if time.monotonic() < self._next_s:
            return
        try:
            self.run()
        except (redis.RedisError, SQLAlchemyError) as error:
            log.warning("nothing reconciled this time: %r", error)
        self._next_s = time.monotonic() + self.interval_s

    def run(self) -> None:
        """End lost and unsent jobs, then announce every ended job that is not."""
        jobs = endings.store()
        for job in jobs.unpublished(UNSENT_S):
            text = "The job could not be sent to a worker"
            reason = endings.Reason.NOT_PUBLISHED
            endings.finish(job.id, State.FAILED, error=text, reason=reason)
        for job in jobs.unannounced():
            endings.announce(job.id)
        for job_id in self._leases.lost([job.id for job in jobs.active()]):
            log.warning("%s is lost", job_id)
            text = "The process of the job was lost"
            endings.finish(job_id, State.FAILED, error=text, reason=endings.Reason.LOST)
            self._leases.release(job_id)
