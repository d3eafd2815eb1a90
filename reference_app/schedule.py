"""What beat sends, and the last line against running it twice, or twice at once.

Every message of an entry carries the moment it was published, whoever published it. A
task runs only if that is a whole period, less a tenth, from the moment of the last run.
So it holds without a lock, with two schedulers, and for a leader that was frozen
between its look at the lock and its message; and a message that had to wait in the
queue takes nothing from the next one. And it does not run while its last run goes on.
"""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import redis
from celery import Task, signals
from celery.exceptions import Ignore

from reference_app.patterns.single_beat import Slots
from reference_app.patterns.single_flight import Flights
from reference_app.settings import Settings

#: What part of a period must lie between two runs. Not all of it: of one scheduler's
#: messages the second may take a few milliseconds less to be published.
SLOT = 0.9

CLEANUP = "workspace_cleanup"


def entries(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return beat's schedule; what is switched off is not in it."""
    if not settings.workspace_cleanup_enabled:
        return {}
    every_s = settings.workspace_cleanup_interval
    task = "services.tasks.cleanup_workspaces"
    return {CLEANUP: _entry(CLEANUP, task, every_s)}


def claim(client: redis.Redis, task: Task) -> None:
    """Return if the running task is the first of its slot, or was not sent by beat.

    One that was delivered again is no second one.

    Raises:
        celery.exceptions.Ignore: the slot has had its run, or nobody knows, since Redis
            does not answer; the next slot is near.
    """
    entry, sent_at = task.request.get("entry"), task.request.get("sent_at")
    if entry is None or sent_at is None:
        return
    slots = Slots(client, prefix="schedule")
    every_s, holder = task.request.get("every_s"), task.request.get("id")
    try:
        first = slots.take_sent(
            entry, every_s, sent_at_s=sent_at, holder=holder, spacing=SLOT
        )
    except redis.RedisError as error:
        raise Ignore(f"{entry}: no slot can be claimed: {error!r}") from None
    if not first:
        raise Ignore(f"{entry}: this slot has had its run")


@contextlib.contextmanager
def alone(client: redis.Redis, task: Task, *, lasts_s: float) -> Iterator[None]:
    """Let no other run of the task begin while the body runs, whoever sent it.

    A run that dies with its worker keeps the next ones away for `lasts_s`.

    Raises:
        celery.exceptions.Ignore: another one runs, or nobody knows.
    """
    flights = Flights(client, prefix="running")
    holder = task.request.get("id")
    try:
        free = flights.take(task.name, holder=holder, lasts_s=lasts_s)
    except redis.RedisError as error:
        raise Ignore(f"{task.name}: does another one run? {error!r}") from None
    if not free:
        raise Ignore(f"{task.name}: the run before is not over")
    try:
        yield
    finally:
        with contextlib.suppress(redis.RedisError):  # it lapses by itself
            flights.give_back(task.name, holder=holder)


def _entry(name: str, task: str, every_s: float) -> dict[str, Any]:
    return {
        "task": task,
        "schedule": every_s,
        "options": {
            "headers": {"entry": name, "every_s": every_s},
            # One that waits while no worker lives is not run later, with all others.
            "expires": every_s,
        },
    }


@signals.before_task_publish.connect
def _stamp(headers: dict[str, Any], **_: Any) -> None:
    if headers.get("entry") is not None:
        headers["sent_at"] = time.time()
