"""The job record: the one truth about a job's state.

Each transition is one `UPDATE ... WHERE id AND state IN (...)`, so that of two
processes which end a job exactly one succeeds. Terminal states absorb. Progress is not
kept here. Times are wall-clock seconds since the epoch.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Engine,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    false,
    insert,
    make_url,
    null,
    select,
    true,
    update,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, NullPool
from sqlalchemy.schema import CreateIndex, CreateTable

#: Seconds a write waits for another one.
BUSY_S = 5.0


class State(StrEnum):
    """Where a job is; the last three are terminal."""

    PENDING = "pending"
    STARTED = "started"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


TERMINAL = frozenset({State.COMPLETED, State.FAILED, State.CANCELLED})

#: For each state, the states from which it may be reached.
REACHED_FROM = {
    State.PENDING: frozenset[State](),
    State.STARTED: frozenset({State.PENDING}),
    State.COMPLETED: frozenset({State.STARTED}),
    State.FAILED: frozenset({State.PENDING, State.STARTED}),
    State.CANCELLED: frozenset({State.PENDING, State.STARTED}),
}


@dataclass(frozen=True)
class Job:
    """One row: what is known about a job."""

    id: str
    kind: str  #: the task's name
    request: dict[str, Any]
    state: State
    attempt: int  #: 0 until it started
    result: dict[str, Any] | None
    error: str | None
    reason: str | None  #: of failed
    published: bool  #: the broker took the message
    announced: bool  #: subscribers have been told the ending
    created_at: float
    started_at: float | None
    ended_at: float | None
    cancel_requested_at: float | None

    @property
    def ended(self) -> bool:
        """Whether the state is terminal."""
        return self.state in TERMINAL


_metadata = MetaData()
_jobs = Table(
    "jobs",
    _metadata,
    Column("id", String(36), primary_key=True),
    Column("kind", String(100), nullable=False),
    Column("request", JSON, nullable=False),
    Column("state", String(20), nullable=False),
    Column("attempt", Integer, nullable=False, default=0),
    Column("result", JSON(none_as_null=True)),
    Column("error", Text),
    Column("reason", String(40)),
    Column("published", Boolean, nullable=False, default=False),
    Column("announced", Boolean, nullable=False, default=False),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("ended_at", Float),
    Column("cancel_requested_at", Float),
)
_by_state = Index("jobs_by_state", _jobs.c.state, _jobs.c.announced)


class Jobs:
    """The job records in one database."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        with self._engine.begin() as connection:
            connection.execute(CreateTable(_jobs, if_not_exists=True))
            connection.execute(CreateIndex(_by_state, if_not_exists=True))

    def create(self, job_id: str, kind: str, request: dict[str, Any]) -> None:
        """Record a pending job, before its message is sent."""
        values = {"id": job_id, "kind": kind, "request": request}
        with self._engine.begin() as connection:
            connection.execute(
                insert(_jobs).values(
                    **values, state=State.PENDING, created_at=time.time()
                )
            )

    def get(self, job_id: str) -> Job | None:
        """Return the job, or None if nobody ever submitted it."""
        return next(iter(self._select(_jobs.c.id == job_id)), None)

    def recent(self, count: int = 50) -> list[Job]:
        """Return the latest jobs, newest first."""
        return self._select(true(), count)

    def active(self) -> list[Job]:
        """Return the jobs that a process is or was working on."""
        return self._select(_jobs.c.state == State.STARTED)

    def unpublished(self, older_than_s: float) -> list[Job]:
        """Return pending jobs whose sender died before it knew the message was sent."""
        return self._select(
            (_jobs.c.state == State.PENDING)
            & (_jobs.c.published == false())
            & (_jobs.c.created_at < time.time() - older_than_s)
        )

    def unannounced(self) -> list[Job]:
        """Return the ended jobs whose subscribers have not been told."""
        return self._select(
            _jobs.c.state.in_(TERMINAL) & (_jobs.c.announced == false())
        )

    def start(self, job_id: str) -> int | None:
        """Begin an attempt; None if the job is not pending (cancelled, or a copy)."""
        if not self._move(
            job_id,
            State.STARTED,
            started_at=time.time(),
            attempt=_jobs.c.attempt + 1,
        ):
            return None
        job = self.get(job_id)
        return None if job is None else job.attempt

    def finish(
        self,
        job_id: str,
        state: State,
        *,
        result: dict[str, Any] | None = None,
        error: str | None = None,
        reason: str | None = None,
    ) -> bool:
        """End the job; False if it had ended, or was never submitted.

        Once a user was told "cancelling", every ending is `cancelled`.
        """
        ended_at = time.time()
        wanted = _jobs.c.cancel_requested_at.is_(null())
        values = {"result": result, "error": error, "reason": reason}
        return self._move(
            job_id, state, wanted, ended_at=ended_at, **values
        ) or self._move(job_id, State.CANCELLED, ~wanted, ended_at=ended_at)

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

    def mark_published(self, job_id: str) -> None:
        """Note that the broker took the message."""
        self._update(_jobs.c.id == job_id, published=True)

    def mark_announced(self, job_id: str) -> None:
        """Note that the ending is in the event log."""
        self._update(_jobs.c.id == job_id, announced=True)

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
        with self._engine.begin() as connection:
            done = connection.execute(update(_jobs).where(where).values(**values))
            return done.rowcount == 1

    def _select(
        self, where: ColumnElement[bool], count: int | None = None
    ) -> list[Job]:
        query = select(_jobs).where(where).order_by(_jobs.c.created_at.desc())
        with self._engine.connect() as connection:
            rows: Iterable[Any] = connection.execute(query.limit(count)).mappings()
            return [Job(**{**row, "state": State(row["state"])}) for row in rows]


def _engine(url: str) -> Engine:
    # NullPool: no connection is open between two calls, so none crosses a fork.
    engine = create_engine(url, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        Path(make_url(url).database or "").parent.mkdir(parents=True, exist_ok=True)
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {int(BUSY_S * 1000)}")
    # Readers and one writer at once; NORMAL loses nothing when a process dies.
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()
