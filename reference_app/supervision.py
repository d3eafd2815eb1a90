"""What the worker's main process does for the jobs in its children.

It keeps their leases, since a frozen or busy child cannot and will still be ended by
its hard limit; and it stops cancelled ones that do not stop by themselves.
"""

import logging
import os
import time
from typing import Any

import redis
from celery import Celery, bootsteps
from celery.worker import state as worker_state
from sqlalchemy.exc import SQLAlchemyError

from reference_app import endings
from reference_app.patterns.cancel import Escalation
from reference_app.patterns.reconcile import Leases
from reference_app.settings import Settings

log = logging.getLogger(__name__)

#: Seconds between two looks at the wishes; one SELECT for all running jobs.
LOOK_S = 0.2

#: Seconds to leave Redis alone after a failure: each try may block the event loop.
BACK_OFF_S = 5.0


def install(app: Celery, settings: Settings) -> None:
    """Let the workers of `app` supervise their running jobs from their event loop."""

    class Supervision(bootsteps.StartStopStep):
        """Calls a Supervisor every now and then; prefork only."""

        requires = ("celery.worker.components:Pool",)

        def start(self, worker: Any) -> None:
            if worker.hub is None:
                return
            supervisor = Supervisor(settings)
            every = worker.hub.call_repeatedly
            # Not cancelled at stop: a warm shutdown waits for the running job, and
            # fires these while it waits.
            every(LOOK_S, supervisor.stop_cancelled)
            every(settings.lease_seconds / 3, supervisor.renew_leases)

    app.steps["worker"].add(Supervision)


class Supervisor:
    """The supervision of one worker; its calls are short and never wait for a child."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._leases = Leases(endings.client(), lease_s=settings.lease_seconds)
        self._renew_again_s = 0.0
        self._escalations: dict[str, Escalation] = {}

    def stop_cancelled(self) -> None:
        """Send the processes of cancelled jobs the signal that is due."""
        running = _running()
        for job_id in self._escalations.keys() - running.keys():
            del self._escalations[job_id]
        if not running:
            return
        try:
            wishes = endings.store().wishes(running)
        except SQLAlchemyError as error:
            log.warning("cannot ask which jobs are wanted: %r", error)
            return
        for job_id, asked_at in wishes.items():
            pid = running[job_id]
            escalation = self._escalations.setdefault(job_id, self._escalate(pid))
            sent = escalation.step(time.time() - asked_at)
            if sent is not None:
                log.warning("%s is cancelled: %s to pid %d", job_id, sent.name, pid)

    def renew_leases(self) -> None:
        """Renew the lease of every running job, unless Redis was away just now."""
        if time.monotonic() < self._renew_again_s:
            return
        try:
            for request in _requests():
                attempt = endings.attempt_of(request.request_dict)
                self._leases.renew(endings.lease_of(request.id, attempt))
        except redis.RedisError:
            self._renew_again_s = time.monotonic() + BACK_OFF_S

    def _escalate(self, pid: int) -> Escalation:
        return Escalation(
            pid,
            term_after_s=self._settings.cancel_term_after,
            kill_after_s=self._settings.cancel_kill_after,
        )


def _running() -> dict[str, int]:
    """Return the process of each running job; a child has one job at a time."""
    return {request.id: request.worker_pid for request in _requests()}


def _requests() -> list[Any]:
    """Return what runs in children of this worker."""
    # In the pools solo and threads the job runs in this very process: leave it alone.
    return [
        request
        for request in list(worker_state.active_requests)
        if request.worker_pid not in (None, os.getpid())
    ]
