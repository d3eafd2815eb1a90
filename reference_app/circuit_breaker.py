"""Stops submits of a domain whose jobs all fail, until one shows that they do not.

Its memory is the job records: as many failures in a row as the threshold, with no
completed job between them, open it, whichever worker ran them and whichever API looks.
A while after the last failure one job is let through as a trial: its ending closes the
circuit or opens it again. What counts is what a job did. Input that was refused never
became a job; a cancelled one and one that no worker got say nothing.
"""

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Engine, Select, delete, func, insert, select

from reference_app import database
from reference_app.endings import Reason
from reference_app.job import TERMINAL, State

#: Reasons of failed jobs that say nothing about the domain: no worker had them.
NOT_TRIED = (Reason.NOT_PUBLISHED, Reason.REJECTED)


class Circuit(StrEnum):
    """Whether jobs are let through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"  #: one trial at a time


@dataclass(frozen=True)
class Status:
    """How a circuit stands; `retry_after_s` is 0 where a job is let through now."""

    state: Circuit
    failures: int  #: in a row, counted up to the threshold
    threshold: int
    retry_after_s: float


class CircuitBreaker:
    """The circuit of one domain.

    Args:
        engine: of the database with the job records.
        domain: what stands before the first dot of the tasks' names.
        threshold: failures in a row that open it; 0: never.
        reset_after_s: seconds after the last failure until a trial, and seconds a trial
            that does not end keeps others out.
    """

    def __init__(
        self, engine: Engine, domain: str, threshold: int, reset_after_s: float
    ) -> None:
        self._engine, self._domain = engine, domain
        self._threshold, self._reset_after_s = threshold, reset_after_s
        self._own = database.jobs.c.kind.startswith(f"{domain}.", autoescape=True)
        self._tried = self._last_tried()  # made once: it is asked at every submit

    def status(self) -> Status:
        """Return how the circuit stands."""
        if not self._threshold:
            return Status(Circuit.CLOSED, 0, 0, 0.0)
        with self._engine.connect() as connection:
            found = connection.execute(self._tried)
            tried: list[tuple[str, float]] = [(state, at) for state, at in found]
        failures = next(
            (n for n, (state, _) in enumerate(tried) if state == State.COMPLETED),
            len(tried),
        )
        if failures < self._threshold:
            return Status(Circuit.CLOSED, failures, self._threshold, 0.0)
        now, trial_from = time.time(), tried[0][1] + self._reset_after_s
        if now < trial_from:
            return Status(Circuit.OPEN, failures, self._threshold, trial_from - now)
        trial_at = self._open_since(trial_from)
        left_s = 0.0 if trial_at is None else trial_at + self._reset_after_s - now
        return Status(Circuit.HALF_OPEN, failures, self._threshold, max(0.0, left_s))

    def reset(self) -> None:
        """Close the circuit: what failed until now is forgiven."""
        pardons, now = database.pardons, time.time()
        with self._engine.begin() as connection:
            connection.execute(delete(pardons).where(pardons.c.domain == self._domain))
            connection.execute(insert(pardons).values(domain=self._domain, at=now))

    def _last_tried(self) -> Select[Any]:
        """Select state and end of the last jobs that a worker had, newest first."""
        jobs, pardons = database.jobs, database.pardons
        pardon = select(pardons.c.at).where(pardons.c.domain == self._domain)
        return (
            select(jobs.c.state, jobs.c.ended_at)
            .where(self._own, jobs.c.state.in_((State.COMPLETED, State.FAILED)))
            .where(func.coalesce(jobs.c.reason, "").not_in(NOT_TRIED))
            .where(jobs.c.ended_at > func.coalesce(pardon.scalar_subquery(), 0))
            .order_by(jobs.c.ended_at.desc())
            .limit(self._threshold)
        )

    def _open_since(self, since: float) -> float | None:
        """Return when the newest job was submitted that has not ended."""
        jobs = database.jobs
        query = select(func.max(jobs.c.created_at)).where(
            self._own, jobs.c.state.not_in(TERMINAL), jobs.c.created_at >= since
        )
        with self._engine.connect() as connection:
            newest: float | None = connection.execute(query).scalar()
            return newest
