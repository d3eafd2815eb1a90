"""What every submit and every job asks and writes in the job record, made once.

SQLAlchemy takes four times as long to make a statement as to execute it. What a
statement sets beyond its own values is given when it is executed, by column.
"""

import functools

from sqlalchemy import (
    Connection,
    Integer,
    Update,
    bindparam,
    func,
    insert,
    null,
    or_,
    select,
    update,
)

from reference_app import database
from reference_app.job import REACHED_FROM, TERMINAL, State

_jobs = database.jobs
_THIS = _jobs.c.id == bindparam("job_id")
_NEXT = _jobs.c.attempt + 1
_ASKED = bindparam("asked", type_=Integer)

#: How many wait on `path` of the kinds that begin with `prefix`, which has `length`.
WAITING = select(func.count()).where(
    (_jobs.c.state == State.PENDING)
    & (_jobs.c.path == bindparam("path"))
    & (func.substr(_jobs.c.kind, 1, bindparam("length")) == bindparam("prefix"))
)
INSERT = insert(_jobs)
#: A job of a kind that has not ended.
UNENDED = select(_jobs.c.id).where(
    (_jobs.c.kind == bindparam("kind")) & _jobs.c.state.not_in(TERMINAL)
)
GET = select(_jobs).where(_THIS)

#: The broker took the message; whether somebody claimed it is looked up at `look_at`.
MARK_PUBLISHED = (
    update(_jobs)
    .where(_THIS & (_jobs.c.state == State.PENDING))
    .values(published=True, publish_at=bindparam("look_at"), sends=_jobs.c.sends + 1)
)

#: Begin the attempt `asked`, or the next one where that is NULL, if the job goes this
#: `way`; its row comes back.
START = (
    update(_jobs)
    .where(
        _THIS
        & _jobs.c.state.in_(REACHED_FROM[State.STARTED])
        & (_jobs.c.path == bindparam("way"))
        & or_(_ASKED.is_(null()), _NEXT == _ASKED)
    )
    .values(state=State.STARTED, attempt=_NEXT)
    .returning(_jobs)
)

#: Which of the jobs `ids` run on though their users want their end, and since when.
WISHES = select(_jobs.c.id, _jobs.c.cancel_requested_at).where(
    _jobs.c.id.in_(bindparam("ids", expanding=True))
    & (_jobs.c.state == State.STARTED)
    & _jobs.c.cancel_requested_at.is_not(null())
)

MARK_ANNOUNCED = update(_jobs).where(_THIS).values(announced=True)


def pass_turnstile(connection: Connection, kind: str) -> None:
    """Wait until nobody else is between this and the end of a transaction."""
    passed = database.turnstiles.c
    done = connection.execute(
        update(database.turnstiles)
        .where(passed.kind == kind)
        .values(passed=passed.passed + 1)
    )
    if not done.rowcount:
        connection.execute(insert(database.turnstiles).values(kind=kind, passed=1))


@functools.cache
def end(state: State, *, fenced: bool, asked: bool) -> Update:
    """Return what ends a job whose user has asked for its end, or has not.

    Its row comes back, if that is the case.

    Args:
        state: the ending.
        fenced: only of the attempt `mine`, that runs, or is the next one to run.
        asked: whether the user was told "cancelling".
    """
    wish = _jobs.c.cancel_requested_at
    where = _THIS & _jobs.c.state.in_(REACHED_FROM[state])
    where &= wish.is_not(null()) if asked else wish.is_(null())
    if fenced:
        mine = bindparam("mine", type_=Integer)
        runs = (_jobs.c.state == State.STARTED) & (_jobs.c.attempt == mine)
        where &= runs | ((_jobs.c.state == State.PENDING) & (mine == _NEXT))
    return update(_jobs).where(where).returning(_jobs)
