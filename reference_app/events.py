"""The event envelope of a job, and the log it stands in: append, announce, follow.

An event is {job_id, attempt, seq, kind, percent, message, data, timestamp}. Its kind is
progress, completed, failed or cancelled; percent is -1 on failed. `timestamp` is UTC in
ISO 8601, ending in Z.
"""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as NotConnected
from redis.retry import Retry
from sqlalchemy.exc import SQLAlchemyError

from reference_app import board, frames, local_events
from reference_app.jobs import TERMINAL, Job, Jobs, Path, State
from reference_app.patterns import replay, terminal
from reference_app.patterns.progress import Progress
from reference_app.settings import Settings

log = logging.getLogger(__name__)

#: Seconds a Redis call may hold up a job, a worker's event loop or a request.
ANSWER_S = 0.5

#: A connection that a Redis restart broke is replaced once; a timeout is not repeated.
_RETRY = 1


class Names(NamedTuple):
    """Where a job's events live in Redis."""

    state: str
    log: str
    channel: str


def names(job_id: str) -> Names:
    """Return the keys and the channel of a job."""
    prefix = f"events:{job_id}"
    return Names(f"{prefix}:state", f"{prefix}:log", prefix)


def connect(settings: Settings, *, answer_s: float = ANSWER_S) -> redis.Redis:
    """Return a client for the events' Redis that never waits long."""
    return redis.Redis.from_url(
        settings.events_url,
        socket_timeout=answer_s,
        socket_connect_timeout=answer_s,
        retry=Retry(NoBackoff(), _RETRY, supported_errors=(NotConnected,)),
    )


def connect_async(settings: Settings) -> redis.asyncio.Redis:
    """Return the same for an event loop."""
    return redis.asyncio.Redis.from_url(
        settings.events_url,
        socket_timeout=2 * ANSWER_S,
        socket_connect_timeout=2 * ANSWER_S,
        retry=AsyncRetry(NoBackoff(), _RETRY, supported_errors=(NotConnected,)),
    )


def envelope(
    job_id: str, attempt: int, kind: str, message: str, data: dict[str, Any]
) -> dict[str, Any]:
    """Return an event without `seq` and `percent`, which the log adds."""
    return {
        "job_id": job_id,
        "attempt": attempt,
        "kind": kind,
        "message": message,
        "data": data,
        "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
    }


def kept_s(settings: Settings, kind: str) -> int:
    """Return the seconds that Redis keeps the events of a job of this kind."""
    return settings.gan_result_ttl if frames.has(kind) else settings.events_ttl


class Reporter(Protocol):
    """What shows the progress of one attempt."""

    def report(
        self, percent: float, event: Mapping[str, Any], *, force: bool = False
    ) -> bool:
        """Show it, unless it comes too soon; tell whether it was shown."""


def reporter(
    client: redis.Redis, settings: Settings, job_id: str, attempt: int, kind: str = ""
) -> Reporter:
    """Return the reporter of one attempt."""
    ttl_s = kept_s(settings, kind)
    progress = Progress(
        client,
        **names(job_id)._asdict(),
        attempt=attempt,
        every_s=settings.progress_interval,
        ttl_s=ttl_s,
        also=lambda event: frames.also(kind, event),
    )
    return board.Shown(progress, client, ttl_s) if board.has(kind) else progress


def local_reporter(
    jobs: Jobs, settings: Settings, job_id: str, attempt: int
) -> Reporter:
    """Return the same for an attempt on the local path, without Redis."""
    every_s = settings.progress_interval
    return local_events.LocalProgress(jobs, job_id, attempt, every_s=every_s)


def announce(client: redis.Redis, jobs: Jobs, job: Job, ttl_s: int) -> None:
    """Tell an ended job's subscribers; harmless to repeat.

    Raises:
        redis.RedisError: not told; the reconciler will.
    """
    event, percent = _ending(job)
    if job.path is Path.LOCAL:
        local_events.announce(jobs, job.id, event, percent)
        return
    # Had Redis lost the log of a job that ran, `seq` must still not go back: no job
    # reports a thousand times a second.
    floor = 0 if job.started_at is None else _elapsed_ms(job)
    ending, _ = terminal.announce(
        client,
        event,
        **names(job.id)._asdict(),
        percent=percent,
        floor=floor,
        ttl_s=ttl_s,
        also=frames.also(job.kind, event),
    )
    if board.has(job.kind):
        board.show(client, ending, ttl_s)
    jobs.mark_announced(job.id)


def latest(client: redis.Redis, jobs: Jobs, job: Job) -> dict[str, Any] | None:
    """Return the newest event of a job, None if there is none or Redis does not answer.

    Progress is best effort; the state stands in the row.
    """
    if job.path is Path.LOCAL:
        return local_events.latest(jobs, job.id)
    try:
        entries = client.xrevrange(names(job.id).log, count=1)
    except redis.RedisError:
        return None
    return None if not entries else json.loads(entries[0][1][b"event"])


async def follow(
    client: redis.asyncio.Redis, jobs: Jobs, job_id: str
) -> AsyncIterator[dict[str, Any]]:
    """Yield the job's whole log, then live events, up to the ending.

    Where the log lacks the ending, because it expired or Redis cannot be asked, it is
    taken from the row.
    """
    shown: float = -1

    async def from_row(answers: bool, seq: int) -> dict[str, Any] | None:
        try:
            job = await asyncio.to_thread(jobs.get, job_id)
        except SQLAlchemyError as error:
            log.warning("cannot ask how %s stands: %r", job_id, error)
            return None
        if job is None or not job.ended or (answers and not job.announced):
            return None  # it runs, or is about to be announced
        event, percent = _ending(job)
        percent = shown if percent is None else percent
        return {"seq": seq + 1, "percent": percent, **event}

    place = names(job_id)
    job = await asyncio.to_thread(jobs.get, job_id)
    if job is not None and job.path is Path.LOCAL:
        seq, told = 0, False
        async for event in local_events.follow(jobs, job_id):
            shown, seq, told = event["percent"], event["seq"], event["kind"] in TERMINAL
            yield event
        last = None if told else await from_row(False, seq)
        if last is not None:
            yield last
        return
    async for event in replay.follow(
        client,
        log=place.log,
        channel=place.channel,
        is_last=lambda event: event["kind"] in TERMINAL,
        ending=from_row,
    ):
        shown = event["percent"]
        yield event


def _ending(job: Job) -> tuple[dict[str, Any], float | None]:
    percent: float | None
    data: dict[str, Any]
    if job.state is State.COMPLETED:
        percent, message, data = 100, "Complete", {"result": job.result}
    elif job.state is State.FAILED:
        message = job.error or "Failed"
        percent, data = -1, {"error": message, "reason": job.reason}
    else:
        percent, message, data = None, "Cancelled", {}
    return envelope(job.id, job.attempt, job.state, message, data), percent


def _elapsed_ms(job: Job) -> int:
    return int(((job.ended_at or time.time()) - (job.started_at or 0)) * 1000)
