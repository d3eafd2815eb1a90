"""A chat session: the jobs of chat that name it.

Promise: a message is in its session once, however often its job was delivered, and from
the moment on at which it was accepted. There is no table of sessions that could say
something else than the jobs. An answer goes when its job's result does (RESULT_TTL);
the message stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select

from reference_app import endings
from reference_app.agent import tasks
from reference_app.database import jobs
from reference_app.jobs import State

#: Turns of a session that are shown, the latest ones.
TURNS = 50

_TURN = (*(jobs.c.id, jobs.c.request, jobs.c.state), jobs.c.result, jobs.c.error)


@dataclass(frozen=True)
class Turn:
    """A message, and what became of it; `created_at` in seconds since the epoch."""

    task_id: str
    message: str
    state: State
    answer: str | None
    sources: list[dict[str, Any]]
    error: str | None
    created_at: float


def turns(session_id: str, count: int = TURNS) -> list[Turn]:
    """Return the latest turns of a session, the oldest of them first."""
    newest = _newest(_of(session_id), count)
    return [_turn(row) for row in reversed(newest)]


def subject_before(session_id: str, job_id: str) -> str | None:
    """Return what the session spoke of when a job of it was submitted.

    That is what its latest completed message was searched as, or if that was a
    follow-up itself, what this one followed. None: no message was answered yet.
    """
    submitted_at = select(jobs.c.created_at).where(jobs.c.id == job_id)
    earlier = jobs.c.created_at < submitted_at.scalar_subquery()
    answered = _of(session_id) & (jobs.c.state == State.COMPLETED) & earlier
    latest = _newest(answered, 1)
    if not latest:
        return None
    result = latest[0].result or {}  # None once it has expired
    return str(result.get("subject") or latest[0].request["message"])


def _of(session_id: str) -> ColumnElement[bool]:
    # The kind first: there is an index of it.
    of_chat = jobs.c.kind == tasks.process_chat.name
    return of_chat & (jobs.c.request["session_id"].as_string() == session_id)


def _newest(which: ColumnElement[bool], count: int) -> Sequence[Any]:
    newest_first = jobs.c.created_at.desc(), jobs.c.id.desc()
    query = select(*_TURN, jobs.c.created_at).where(which).order_by(*newest_first)
    with endings.store().engine.connect() as connection:
        return connection.execute(query.limit(count)).all()


def _turn(row: Any) -> Turn:
    result = row.result or {}
    return Turn(
        task_id=row.id,
        message=row.request["message"],
        state=State(row.state),
        answer=result.get("text"),
        sources=result.get("sources", []),
        error=row.error,
        created_at=row.created_at,
    )
