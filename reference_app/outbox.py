"""Publishing, the first time and again: what a job's row says is sent to its queue."""

import logging
import os
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self, TypeGuard

import kombu.transport.redis  # noqa: F401  # else the first publish pays for it
import redis
from kombu import Producer, pools
from kombu.exceptions import OperationalError
from kombu.pools import ProducerPool

from reference_app import endings, events
from reference_app.broker import ANSWER_S, QUEUES, app, queue_of
from reference_app.jobs import Job, State
from reference_app.patterns import broker_bounds, outbox
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
    redis.OutOfMemoryError,
    OSError,
)

#: How Redis begins its answer when it cannot write to its disk.
DISK_FULL = "MISCONF"


@dataclass(frozen=True)
class Message:
    """What is sent of a job; all of it is in the row, too."""

    id: str
    kind: str
    request: dict[str, Any]
    limits: tuple[float | None, float | None]
    attempt: int = 1

    @classmethod
    def of(cls, job: Job) -> Self:
        """Return the message of a pending job's next attempt."""
        limits = (job.soft_limit_s, job.hard_limit_s)
        return cls(job.id, job.kind, job.request, limits, job.attempt + 1)


def publish(message: Message) -> None:
    """Send a message, and note it in the job's row.

    Raises:
        Unreachable: nobody knows whether the broker took it; at once while it is away.
        Exception: a bug; nothing was sent.
    """
    pid = os.getpid()
    try:
        reach(pid).call(lambda: _in_time(pid).call(lambda: _send(message)))
    except Unreachable as error:
        if _is_about_password(error):
            log.error("the broker wants another password: see CELERY_BROKER_URL")
        raise
    endings.store().mark_published(message.id)


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
        publish(Message.of(job))


@lru_cache(maxsize=1)
def reach(pid: int) -> Reach:
    """Return what this process knows about reaching the broker."""
    return Reach(CONNECTIVITY)


@lru_cache(maxsize=1)
def _in_time(pid: int) -> InTime:
    return InTime(within_s=PUBLISH_S)


@lru_cache(maxsize=1)
def _producers(pid: int) -> ProducerPool:
    connection = app.connection_for_write(transport_options=broker_bounds.CONNECT_ONCE)
    return pools.producers[connection]


def _send(message: Message) -> None:
    try:
        with _producers(os.getpid()).acquire(block=True, timeout=ANSWER_S) as producer:
            _send_by(producer, message)
    except OperationalError as error:
        # Celery's one name for all that Redis may answer. What no outage explains, a
        # key that is no list, a command that is not permitted, is raised as it was.
        if _is_bug(error.__cause__):
            raise error.__cause__ from None
        raise


def _send_by(producer: Producer, message: Message) -> None:
    soft_s, hard_s = message.limits
    app.send_task(
        message.kind,
        args=[message.request],
        task_id=message.id,
        queue=queue_of(message.kind),
        # A claim is for this attempt: a copy, or an earlier message, runs nothing.
        headers={"attempt": message.attempt},
        soft_time_limit=soft_s,
        time_limit=hard_s,
        ignore_result=True,
        retry=False,
        producer=producer,
    )


def _is_bug(error: BaseException | None) -> TypeGuard[redis.ResponseError]:
    takes_nothing = isinstance(error, CONNECTIVITY) or str(error).startswith(DISK_FULL)
    return isinstance(error, redis.ResponseError) and not takes_nothing


def _is_about_password(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, redis.AuthenticationError):
        error = error.__cause__
    return error is not None
