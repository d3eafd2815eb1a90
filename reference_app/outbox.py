"""Publishing, the first time and again: what a job's row says is sent to its queue."""

import logging
import os
from functools import lru_cache

import redis
from kombu.exceptions import OperationalError

from reference_app import endings, events
from reference_app.broker import QUEUES, app, queue_of
from reference_app.jobs import Job, State
from reference_app.patterns import outbox
from reference_app.patterns.broker_bounds import InTime
from reference_app.patterns.fallback import Reach, Unreachable
from reference_app.settings import settings

log = logging.getLogger(__name__)

#: Seconds a submit waits for the broker.
PUBLISH_S = 1.0

#: Messages after which a job that nobody ever claims is given up.
SENDS = 8

#: Only these say that the broker cannot be reached, or takes nothing now. A wrong
#: password and a read-only replica are among them: to the user they are the same.
CONNECTIVITY = (
    OperationalError,
    redis.ConnectionError,
    redis.TimeoutError,
    redis.ReadOnlyError,
    OSError,
)


def publish(job: Job) -> None:
    """Send the message of a pending job's next attempt, and note it.

    Raises:
        Unreachable: nobody knows whether the broker took it; at once while it is away.
        Exception: a bug; nothing was sent.
    """
    reach(os.getpid()).call(lambda: _in_time(os.getpid()).call(lambda: _send(job)))
    endings.store().mark_published(job.id)


class Sweeper:
    """Sends what was recorded and did not get to anybody; keep it between sweeps."""

    def __init__(self) -> None:
        self._client = redis.Redis.from_url(
            settings().celery_broker_url,
            socket_timeout=events.ANSWER_S,
            socket_connect_timeout=events.ANSWER_S,
        )
        queues = [row.name for row in QUEUES]
        self._outbox = outbox.Outbox(self._client, queues=queues)

    def sweep(self) -> None:
        """Publish what is due; while the broker is away nothing is done.

        Raises:
            redis.RedisError: the queues could not be read.
        """
        jobs = endings.store()
        unconfirmed = jobs.to_publish(published=False)
        waiting = jobs.to_publish(published=True)
        by_id = {job.id: job for job in [*unconfirmed, *waiting]}
        try:
            again = self._outbox.sweep(
                unconfirmed=[job.id for job in unconfirmed],
                waiting=[job.id for job in waiting],
                send=lambda job_id: self._send(by_id[job_id]),
            )
        except Unreachable as error:
            log.warning("nothing sent again this time: %s", error)
            return
        for job_id in again:
            log.warning("%s was sent, and is nowhere: sent again", job_id)

    def _send(self, job: Job) -> None:
        if job.sends >= SENDS:
            text = f"No worker took the job, though it was sent {job.sends} times"
            reason = endings.Reason.LOST
            endings.finish(job.id, State.FAILED, error=text, reason=reason)
            return
        publish(job)


@lru_cache(maxsize=1)
def reach(pid: int) -> Reach:
    """Return what this process knows about reaching the broker."""
    return Reach(CONNECTIVITY)


@lru_cache(maxsize=1)
def _in_time(pid: int) -> InTime:
    return InTime(within_s=PUBLISH_S)


def _send(job: Job) -> None:
    app.send_task(
        job.kind,
        args=[job.request],
        task_id=job.id,
        queue=queue_of(job.kind),
        # A claim is for this attempt: a copy, or an earlier message, runs nothing.
        headers={"attempt": job.attempt + 1},
        soft_time_limit=job.soft_limit_s,
        time_limit=job.hard_limit_s,
        ignore_result=True,
        retry=False,
    )
