"""The events of jobs on the local path: in the database, since Redis may be gone.

The same envelope as in Redis. `seq` is counted in the job's row, in the transaction
that writes the event, so an ending is the last and a superseded attempt adds nothing.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, not_, select, update
from sqlalchemy.exc import SQLAlchemyError

from reference_app.database import job_events, jobs
from reference_app.jobs import TERMINAL, Jobs, State

#: Seconds between two looks of a follower.
LOOK_S = 0.1


class LocalProgress:
    """The reporter of one attempt; as patterns/progress.py, without Redis."""

    def __init__(
        self,
        store: Jobs,
        job_id: str,
        attempt: int,
        *,
        every_s: float = 0.15,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._job_id, self._attempt = store, job_id, attempt
        self._every_s, self._clock = every_s, clock
        self._highest = 0.0
        self._next_s = float("-inf")

    def report(
        self, percent: float, event: Mapping[str, Any], *, force: bool = False
    ) -> bool:
        """Append `event` unless it comes too soon; tell whether it was written."""
        self._highest = max(self._highest, percent)
        now_s = self._clock()
        if not force and now_s < self._next_s:
            return False
        mine = (jobs.c.state == State.STARTED) & (jobs.c.attempt == self._attempt)
        full = {"percent": self._highest, **event}
        try:
            written = _append(self._store, self._job_id, full, mine)
        except SQLAlchemyError:
            return False  # best effort, as everywhere
        self._next_s = self._clock() + self._every_s
        return written


def announce(
    store: Jobs, job_id: str, event: Mapping[str, Any], percent: float | None
) -> None:
    """Write the ending, once; None repeats the last percent, -1 if there was none."""
    if percent is None:
        last = latest(store, job_id)
        percent = -1 if last is None else last["percent"]
    full = {"percent": percent, **event}
    ended = jobs.c.state.in_(TERMINAL) & not_(jobs.c.announced)
    _append(store, job_id, full, ended, announced=True)


def read(store: Jobs, job_id: str, after: int = 0) -> list[dict[str, Any]]:
    """Return the events with a `seq` above `after`, in order."""
    query = (
        select(job_events.c.event)
        .where((job_events.c.job_id == job_id) & (job_events.c.seq > after))
        .order_by(job_events.c.seq)
    )
    with store.engine.connect() as connection:
        return [dict(event) for event in connection.execute(query).scalars()]


def latest(store: Jobs, job_id: str) -> dict[str, Any] | None:
    """Return the newest event, None if there is none."""
    query = (
        select(job_events.c.event)
        .where(job_events.c.job_id == job_id)
        .order_by(job_events.c.seq.desc())
        .limit(1)
    )
    with store.engine.connect() as connection:
        event = connection.execute(query).scalar()
        return None if event is None else dict(event)


async def follow(store: Jobs, job_id: str) -> AsyncIterator[dict[str, Any]]:
    """Yield all events, those to come too, up to the ending."""
    after = 0
    while True:
        # First the row: what is announced then is in the log that is read next.
        job = await asyncio.to_thread(store.get, job_id)
        for event in await asyncio.to_thread(read, store, job_id, after):
            after = event["seq"]
            yield event
            if event["kind"] in TERMINAL:
                return
        if job is None or job.announced:
            return  # the log has expired
        await _pause(LOOK_S)


def forget(store: Jobs, older_than_s: float) -> None:
    """Delete old events of ended jobs."""
    ended = select(jobs.c.id).where(
        jobs.c.announced & (jobs.c.ended_at < time.time() - older_than_s)
    )
    with store.engine.begin() as connection:
        connection.execute(delete(job_events).where(job_events.c.job_id.in_(ended)))


def _append(
    store: Jobs,
    job_id: str,
    event: dict[str, Any],
    allowed: ColumnElement[bool],
    **values: Any,
) -> bool:
    with store.engine.begin() as connection:
        # The write comes first: it takes the lock under which `seq` is read.
        mine = (jobs.c.id == job_id) & allowed
        count = jobs.c.last_seq + 1
        done = connection.execute(
            update(jobs).where(mine).values(last_seq=count, **values)
        )
        if done.rowcount != 1:
            return False
        last_seq = select(jobs.c.last_seq).where(jobs.c.id == job_id)
        seq = connection.execute(last_seq).scalar_one()
        row = {"job_id": job_id, "seq": seq, "created_at": time.time()}
        row["event"] = {"seq": seq, **event}
        connection.execute(insert(job_events).values(row))
        return True


async def _pause(seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()
    except TimeoutError:
        return
