"""The job record: the one truth about a job's state.

Each transition is one `UPDATE ... WHERE id AND state IN (...)`, so that of two
processes which end a job exactly one succeeds. Terminal states absorb. Attempts are
fenced: who names an attempt changes nothing once a later one has been promised. Times
are wall-clock seconds since the epoch.
"""

import os
import time
from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    not_,
    null,
    select,
    true,
    update,
)

from reference_app import database, statements
from reference_app.job import REACHED_FROM, TERMINAL, Job, Path, State
from reference_app.patterns.submit_once import fingerprint, release, submit_once

#: Seconds a sender has to say that the broker took its message; a publish takes one.
CONFIRM_S = 5.0

#: Seconds after which a published message that nobody has claimed is looked for.
CLAIM_S = 3.0

_jobs = database.jobs


class Busy(RuntimeError):
    """A job of this kind has not ended, and there is to be one at a time.

    Args:
        job_id: which.
    """

    def __init__(self, job_id: str) -> None:
        super().__init__(f"Job {job_id} has not ended, and there is one at a time.")
        self.job_id = job_id


class Jobs:
    """The job records in one database."""

    def __init__(self, url: str, *, forks: bool = True) -> None:
        self.engine = database.open_engine(url, forks=forks)

    def create(
        self,
        job_id: str,
        kind: str,
        request: dict[str, Any],
        *,
        path: Path = Path.CELERY,
        limits: tuple[float | None, float | None] = (None, None),
        attempts: int = 1,
        key: str | None = None,
        alone: bool = False,
    ) -> str:
        """Record a pending job, before its message is sent; return its id.

        With a key that a job of this kind has already, the id is that job's, and
        nothing is recorded.

        Raises:
            submit_once.KeyReused: that job has another request.
            Busy: it was to be `alone`, and a job of this kind has not ended.
        """
        now = time.time()
        values = {
            **{"id": job_id, "kind": kind, "request": request, "path": path},
            **{"soft_limit_s": limits[0], "hard_limit_s": limits[1]},
            **{"state": State.PENDING, "attempts": attempts, "created_at": now},
            "publish_at": now + (CONFIRM_S if path is Path.CELERY else 0.0),
        }

        def record(connection: Connection) -> None:
            if alone:
                _alone(connection, kind)
            connection.execute(statements.INSERT, values)

        if key is None:
            with self.engine.begin() as connection:
                record(connection)
            return job_id
        return submit_once(
            self.engine,
            database.submit_keys,
            key=f"{kind}:{key}",
            fingerprint=fingerprint(request),
            job_id=job_id,
            record=record,
        )

    def refuse(self, job_id: str, *, error: str, reason: str) -> bool:
        """End a pending job whose user is told that it was not accepted.

        Its key may be used again. False if it runs already: then it was accepted.
        """
        with self.engine.begin() as connection:
            done = connection.execute(
                update(_jobs)
                .where((_jobs.c.id == job_id) & (_jobs.c.state == State.PENDING))
                .values(
                    state=State.FAILED, error=error, reason=reason, ended_at=time.time()
                )
            )
            if done.rowcount == 1:
                release(connection, database.submit_keys, job_id)
            return done.rowcount == 1

    def get(self, job_id: str) -> Job | None:
        """Return the job, or None if nobody ever submitted it."""
        with self.engine.connect() as connection:
            found = connection.execute(statements.GET, {"job_id": job_id})
            row = found.mappings().first()
            return None if row is None else _job(row)

    def recent(self, count: int = 50, *, only_active: bool = False) -> list[Job]:
        """Return the latest jobs, newest first; `only_active`: that have not ended."""
        wanted = _jobs.c.state.not_in(TERMINAL) if only_active else true()
        return self._select(wanted, count)

    def unended(self, kind: str) -> list[Job]:
        """Return the jobs of a kind that have not ended, the oldest first."""
        wanted = _jobs.c.state.not_in(TERMINAL) & (_jobs.c.kind == kind)
        return self._select(wanted, oldest_first=True)

    def active(self, path: Path = Path.CELERY) -> list[Job]:
        """Return the jobs that a process is or was working on."""
        return self._select((_jobs.c.state == State.STARTED) & (_jobs.c.path == path))

    def waiting(self, path: Path, prefix: str = "") -> int:
        """Return how many jobs of kinds with this prefix wait for a process."""
        which = {"path": path, "prefix": prefix, "length": len(prefix)}
        with self.engine.connect() as connection:
            return int(connection.execute(statements.WAITING, which).scalar_one())

    def to_publish(self, *, published: bool) -> list[Job]:
        """Return pending jobs that are due to be sent, or to be looked for, by now."""
        return self._select(
            (_jobs.c.state == State.PENDING)
            & (_jobs.c.path == Path.CELERY)
            & (_jobs.c.published == published)
            & (_jobs.c.publish_at < time.time())
        )

    def unannounced(self) -> list[Job]:
        """Return the ended jobs whose subscribers have not been told."""
        return self._select(_jobs.c.state.in_(TERMINAL) & not_(_jobs.c.announced))

    def start(
        self, job_id: str, attempt: int | None = None, path: Path = Path.CELERY
    ) -> Job | None:
        """Claim the job, begin an attempt and return it; None: there is nothing to run.

        That is so if it was cancelled, if this is a copy of a message, if the attempt
        is not the next one, or if the job goes another way.
        """
        which = {"job_id": job_id, "asked": attempt, "way": path}
        values = {"started_at": time.time(), "pid": os.getpid()}
        with self.engine.begin() as connection:
            done = connection.execute(statements.START, which | values)
            row = done.mappings().first()
            return None if row is None else _job(row)

    def finish(
        self,
        job_id: str,
        state: State,
        *,
        attempt: int | None = None,
        result: dict[str, Any] | None = None,
        error: str | None = None,
        reason: str | None = None,
    ) -> Job | None:
        """End the job and return it; None if it had ended, or was never submitted.

        Also None if `attempt` is given and neither runs nor is the next one to run:
        its process was given up. Once a user was told "cancelling", every ending is
        `cancelled`.
        """
        values: dict[str, Any] = {"job_id": job_id, "ended_at": time.time()}
        fenced = attempt is not None
        if fenced:
            values["mine"] = attempt
        said = {"state": state, "result": result, "error": error, "reason": reason}
        cancelled = {"state": State.CANCELLED}
        as_said = statements.end(state, fenced=fenced, asked=False)
        as_cancelled = statements.end(State.CANCELLED, fenced=fenced, asked=True)
        with self.engine.begin() as connection:
            row = connection.execute(as_said, values | said).mappings().first()
            if row is None:
                done = connection.execute(as_cancelled, values | cancelled)
                row = done.mappings().first()
            return None if row is None else _job(row)

    def try_again(
        self,
        job_id: str,
        attempt: int | None,
        *,
        free: bool = False,
        after_s: float | None = None,
    ) -> bool:
        """Put a started job back, to be sent again; False if it has no attempt left.

        Args:
            job_id: of a job that was started.
            attempt: the one that is over; None: whichever runs.
            free: it does not count, since nothing went wrong with it.
            after_s: its work failed, and the caller allows another attempt in so many
                seconds; None: its process is gone, and it is sent at once.
        """
        counts: dict[str, Any] = {}
        allowed: ColumnElement[bool] = true()
        if after_s is not None:
            counts = {"retries": _jobs.c.retries + 1}
        elif not free:
            counts = {"lost": _jobs.c.lost + 1}
            allowed = _jobs.c.lost + 1 < _jobs.c.attempts
        return self._move(
            job_id,
            State.PENDING,
            true() if attempt is None else _jobs.c.attempt == attempt,
            _jobs.c.state == State.STARTED,
            _jobs.c.cancel_requested_at.is_(null()),
            allowed,
            published=False,
            publish_at=time.time() + (after_s or 0.0),
            sends=0,
            lease_until=None,
            **counts,
        )

    def to_reserve(self, count: int) -> list[Job]:
        """Return the oldest jobs that are due on the local path and that no API has."""
        free = _jobs.c.lease_until.is_(null()) | (_jobs.c.lease_until < time.time())
        waiting = (_jobs.c.state == State.PENDING) & (_jobs.c.path == Path.LOCAL)
        due = _jobs.c.publish_at <= time.time()
        return self._select(waiting & free & due, count, oldest_first=True)

    def reserve(self, job_id: str, lease_s: float, seen: Job | None = None) -> bool:
        """Keep a local job for `lease_s` more; take it, if it is still as `seen`."""
        where = (_jobs.c.id == job_id) & (_jobs.c.path == Path.LOCAL)
        if seen is not None:
            pending = (_jobs.c.state == State.PENDING) & (
                _jobs.c.attempt == seen.attempt
            )
            where &= pending & _jobs.c.lease_until.is_not_distinct_from(
                seen.lease_until
            )
        return self._update(where, lease_until=time.time() + lease_s)

    def divert(self, job_id: str) -> bool:
        """Send a pending job the local way; False if it has started or ended."""
        pending = (_jobs.c.id == job_id) & (_jobs.c.state == State.PENDING)
        return self._update(pending, path=Path.LOCAL, publish_at=time.time())

    def request_cancel(self, job_id: str) -> Job | None:
        """End a pending job as cancelled, or write the wish on a running one.

        Returns the job as it is afterwards, None if it is unknown.
        """
        now = time.time()
        nobody_asked = _jobs.c.cancel_requested_at.is_(null())
        if not self._move(
            job_id, State.CANCELLED, _jobs.c.state == State.PENDING, ended_at=now
        ):
            self._update(
                (_jobs.c.id == job_id)
                & (_jobs.c.state == State.STARTED)
                & nobody_asked,
                cancel_requested_at=now,
            )
        return self.get(job_id)

    def wishes(self, ids: Iterable[str]) -> dict[str, float]:
        """Return which of these run on though their users want their end, since when.

        Their number is that of one worker's processes.
        """
        with self.engine.connect() as connection:
            rows = connection.execute(statements.WISHES, {"ids": list(ids)})
            return {row.id: row.cancel_requested_at for row in rows}

    def forget_results(self, kept_s: float) -> int:
        """Empty the rows of jobs that ended longer ago; return how many.

        The rows stay: of an old job it can be said that it was.
        """
        old = (_jobs.c.ended_at < time.time() - kept_s) & _jobs.c.result.is_not(null())
        with self.engine.begin() as connection:
            done = connection.execute(update(_jobs).where(old).values(result=null()))
            return done.rowcount

    def mark_published(self, job_id: str) -> None:
        """Note that the broker took the message."""
        values = {"job_id": job_id, "look_at": time.time() + CLAIM_S}
        with self.engine.begin() as connection:
            connection.execute(statements.MARK_PUBLISHED, values)

    def mark_announced(self, job_id: str) -> None:
        """Note that the ending is in the event log."""
        with self.engine.begin() as connection:
            connection.execute(statements.MARK_ANNOUNCED, {"job_id": job_id})

    def _move(
        self,
        job_id: str,
        state: State,
        *conditions: ColumnElement[bool],
        **values: Any,
    ) -> bool:
        where = (_jobs.c.id == job_id) & _jobs.c.state.in_(REACHED_FROM[state])
        for condition in conditions:
            where &= condition
        return self._update(where, state=state, **values)

    def _update(self, where: ColumnElement[bool], **values: Any) -> bool:
        with self.engine.begin() as connection:
            done = connection.execute(update(_jobs).where(where).values(**values))
            return done.rowcount == 1

    def _select(
        self,
        where: ColumnElement[bool],
        count: int | None = None,
        *,
        oldest_first: bool = False,
    ) -> list[Job]:
        age = _jobs.c.created_at
        order = age if oldest_first else age.desc()
        query = select(_jobs).where(where).order_by(order)
        with self.engine.connect() as connection:
            rows: Iterable[Any] = connection.execute(query.limit(count)).mappings()
            return [_job(row) for row in rows]


def _alone(connection: Connection, kind: str) -> None:
    """Return if all jobs of a kind have ended; until the commit nobody else is told so.

    Raises:
        Busy: one has not.
    """
    statements.pass_turnstile(connection, kind)
    running = connection.execute(statements.UNENDED, {"kind": kind}).scalar()
    if running is not None:
        raise Busy(running)


def _job(row: Any) -> Job:
    return Job(**{**row, "state": State(row["state"]), "path": Path(row["path"])})
