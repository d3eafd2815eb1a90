"""The tables, and the engine that every process of the application opens them with."""

from pathlib import Path

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
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
    make_url,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, NullPool
from sqlalchemy.schema import CreateIndex, CreateTable

from reference_app.patterns import submit_once

#: Seconds a write waits for another one.
BUSY_S = 5.0

metadata = MetaData()

#: One row per job; `reference_app.jobs.Job` says what each column means.
jobs = Table(
    "jobs",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("kind", String(100), nullable=False),
    Column("request", JSON, nullable=False),
    Column("path", String(20), nullable=False),
    Column("soft_limit_s", Float),
    Column("hard_limit_s", Float),
    Column("state", String(20), nullable=False),
    Column("attempt", Integer, nullable=False, default=0),
    Column("attempts", Integer, nullable=False, default=1),
    Column("lost", Integer, nullable=False, default=0),
    Column("retries", Integer, nullable=False, default=0),
    Column("result", JSON(none_as_null=True)),
    Column("error", Text),
    Column("reason", String(40)),
    Column("published", Boolean, nullable=False, default=False),
    Column("publish_at", Float),
    Column("sends", Integer, nullable=False, default=0),
    Column("lease_until", Float),
    Column("pid", Integer),
    Column("last_seq", Integer, nullable=False, default=0),
    Column("announced", Boolean, nullable=False, default=False),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("ended_at", Float),
    Column("cancel_requested_at", Float),
)

#: The events of jobs on the local path; those of the others are in Redis.
job_events = Table(
    "job_events",
    metadata,
    Column("job_id", String(36), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("event", JSON, nullable=False),
    Column("created_at", Float, nullable=False),
)

#: Which submits were made with an Idempotency-Key, and the job each of them got.
submit_keys = submit_once.table("submit_keys", metadata)

#: When a reconciler looked last, in one row.
looks = Table(
    "looks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False),
)

#: Until when the failures of a domain are forgiven; see circuit_breaker.py.
pardons = Table(
    "pardons",
    metadata,
    Column("domain", String(40), primary_key=True),
    Column("at", Float, nullable=False),
)

#: Kinds of jobs of which one is submitted at a time: a row is locked meanwhile.
turnstiles = Table(
    "turnstiles",
    metadata,
    Column("kind", String(100), primary_key=True),
    Column("passed", Integer, nullable=False),
)

_INDEXES = (
    Index("jobs_by_state", jobs.c.state, jobs.c.announced),
    Index("jobs_by_path", jobs.c.state, jobs.c.path, jobs.c.kind),
    Index("jobs_by_end", jobs.c.ended_at),
    Index("jobs_by_kind", jobs.c.kind, jobs.c.created_at),
)


def open_engine(url: str, *, forks: bool = True) -> Engine:
    """Return an engine on a database whose tables are there.

    Args:
        url: of SQLite or PostgreSQL.
        forks: whether this process may fork. One that never does keeps connections
            open: with SQLite a write then takes 0.3 ms instead of 6, since the last one
            to close a database has to write its log back.
    """
    # NullPool: no connection is open between two calls, so none crosses a fork.
    engine = create_engine(url, poolclass=NullPool if forks else None)
    if engine.dialect.name == "sqlite":
        Path(make_url(url).database or "").parent.mkdir(parents=True, exist_ok=True)
        event.listen(engine, "connect", _prepare_sqlite)
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            connection.execute(CreateTable(table, if_not_exists=True))
        for index in _INDEXES:
            connection.execute(CreateIndex(index, if_not_exists=True))
    return engine


def _prepare_sqlite(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {int(BUSY_S * 1000)}")
    # Readers and one writer at once; NORMAL loses nothing when a process dies.
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()
