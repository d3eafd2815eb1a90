"""Submitting the same thing twice gives one job and one id, also when answers get lost.

Guarantee  Of any number of submits with one key, at once or one after another, in one
           process or many, exactly one records its job; all get that job's id. Key and
           job are written in one transaction: neither exists without the other.
Units      None.
Raises     KeyReused: the key came with another request before. What `record` raises,
           and then neither key nor job is kept.
Needs      SQLAlchemy; a database that the job's row is in, too. `fingerprint` is
           anything that differs when the request does.
Breaks if  Keys are shared by users: put the user into the key. A key is forgotten
           (`release`) although its job may still run.
Proof      contract terminal.exactly-one
Source     IETF draft "The Idempotency-Key HTTP Header Field", sections 2.1 to 2.7;
           Celery #6358. Measured: a client that got no answer from a submit cannot
           know whether the job was taken. Copy this file alone.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    MetaData,
    String,
    Table,
    delete,
    insert,
    select,
)
from sqlalchemy.exc import IntegrityError


class KeyReused(ValueError):
    """The key was used for another request before: take a new key."""


def table(name: str, metadata: MetaData) -> Table:
    """Return the table of the keys."""
    return Table(
        name,
        metadata,
        Column("key", String(300), primary_key=True),
        Column("fingerprint", String(64), nullable=False),
        Column("job_id", String(36), nullable=False),
    )


def fingerprint(request: Any) -> str:
    """Return what tells two requests apart, whatever the order of their fields."""
    text = json.dumps(request, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def submit_once(
    engine: Engine,
    keys: Table,
    *,
    key: str,
    fingerprint: str,
    job_id: str,
    record: Callable[[Connection], None],
) -> str:
    """Record the job under `key`; return its id, or that of the job that has the key.

    Args:
        engine: of the database with the table `keys` and the jobs.
        keys: made by `table`.
        key: what the client sent, with whose it is.
        fingerprint: of the request.
        job_id: of the job, should it be the first.
        record: writes the job's row on the connection that it is given.
    """
    try:
        with engine.begin() as connection:
            values = {"key": key, "fingerprint": fingerprint, "job_id": job_id}
            connection.execute(insert(keys).values(values))
            record(connection)
    except IntegrityError:
        with engine.connect() as connection:
            first = connection.execute(select(keys).where(keys.c.key == key)).first()
        if first is None:
            raise  # not of the key: of `record`
        if first.fingerprint != fingerprint:
            raise KeyReused(f"{key!r}: {KeyReused.__doc__}") from None
        return str(first.job_id)
    return job_id


def release(connection: Connection, keys: Table, job_id: str) -> None:
    """Forget the key of a job that will never run, so that it may be sent again."""
    connection.execute(delete(keys).where(keys.c.job_id == job_id))
