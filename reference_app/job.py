"""What is known about one job: its row, its states, and which follow which."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


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
    State.PENDING: frozenset({State.STARTED}),  # another attempt
    State.STARTED: frozenset({State.PENDING}),
    State.COMPLETED: frozenset({State.STARTED}),
    State.FAILED: frozenset({State.PENDING, State.STARTED}),
    State.CANCELLED: frozenset({State.PENDING, State.STARTED}),
}


class Path(StrEnum):
    """Which way a job goes; its row names it, and whoever runs it asks the row."""

    CELERY = "celery"  #: a message, a worker; events in Redis
    LOCAL = "local"  #: a child process of an API; events in the database


@dataclass(frozen=True)
class Job:
    """One row: what is known about a job, and what is needed to send it again."""

    id: str
    kind: str  #: the task's name
    request: dict[str, Any]
    path: Path
    soft_limit_s: float | None
    hard_limit_s: float | None
    state: State
    attempt: int  #: the latest that started; 0: none yet
    attempts: int  #: how many a lost process may cost
    lost: int  #: attempts it has cost, and another one followed
    retries: int  #: attempts that ended with a transient fault, and another followed
    result: dict[str, Any] | None
    error: str | None
    reason: str | None  #: of failed
    published: bool  #: the broker took the message of the next attempt
    publish_at: float | None  #: from then on somebody (else) may send or run it
    sends: int  #: messages sent of the next attempt
    lease_until: float | None  #: on the local path: an API looks after it until then
    pid: int | None  #: of the process that claimed it last, on its own machine
    last_seq: int  #: of the events in the database
    announced: bool  #: subscribers have been told the ending
    created_at: float
    started_at: float | None
    ended_at: float | None
    cancel_requested_at: float | None

    @property
    def ended(self) -> bool:
        """Whether the state is terminal."""
        return self.state in TERMINAL
