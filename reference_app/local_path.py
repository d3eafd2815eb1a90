"""The old path: job functions in child processes of the API, without a broker.

It is the way of every job while USE_CELERY is off, and the fallback of those tasks that
declare it. The queue is the table: pending rows of this path, oldest first, reserved by
a lease in the row, so several APIs share the work, and an API that starts goes on with
what another left. Each job gets a fresh process: only exit returns all memory, and only
a process can be killed.
"""

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from multiprocessing import connection
from multiprocessing.context import BaseContext

from celery.exceptions import Ignore
from pebble import CONSTS, ProcessExpired, ProcessPool
from sqlalchemy.exc import SQLAlchemyError

from reference_app import endings, job_task
from reference_app.jobs import Job, Path, State
from reference_app.patterns import orphans
from reference_app.patterns.cancel import Escalation
from reference_app.settings import Settings

log = logging.getLogger(__name__)

#: Seconds between two looks at the table and at the running jobs.
LOOK_S = 0.1

#: Seconds that a process at its hard limit has between SIGTERM and SIGKILL.
TERM_S = 0.3


@dataclass
class _Run:
    """One job in the hands of this process."""

    attempt: int
    future: "Future[None]"
    escalation: Escalation | None = field(default=None)


class LocalPath:
    """Runs the pending jobs of the local path; one per API process.

    Args:
        settings: of this process.
        functions: for each kind of job, where its function is.
    """

    def __init__(self, settings: Settings, functions: Mapping[str, str]) -> None:
        self._settings, self._functions = settings, functions
        self._runs: dict[str, _Run] = {}
        self._pool: ProcessPool | None = None
        self._stopping, self._given_up = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="local", daemon=True)

    def start(self) -> None:
        """Begin to look for jobs; processes are started with the first one."""
        self._thread.start()

    def stop(self) -> None:
        """Let running jobs end, but not for long; hand over the rest, uncounted."""
        self._stopping.set()
        over_s = time.monotonic() + self._settings.local_grace
        # Nothing here asks the database: a frozen job may keep it, until it is killed.
        while self._runs and time.monotonic() < over_s:
            threading.Event().wait(LOOK_S)
        self._given_up.set()
        self._close_pool()
        self._thread.join()
        self._close_pool()  # one that it was just opening
        for job_id, run in self._runs.items():
            if not endings.store().try_again(job_id, run.attempt, free=True):
                endings.store().reserve(job_id, 0.0)  # it had not begun

    def _work(self) -> None:
        if not self._settings.use_celery:
            # It will be needed: import beforehand, seconds that the API does not wait.
            self._open_pool()
        while not self._given_up.wait(LOOK_S):
            self._try_to_look()

    def _try_to_look(self) -> None:
        try:
            self._look()
        except SQLAlchemyError as error:
            log.warning("cannot look after local jobs: %r", error)

    def _look(self) -> None:
        for job_id, run in list(self._runs.items()):
            if self._given_up.is_set():
                return  # they are handed over, not lost
            if run.future.done():
                del self._runs[job_id]
                self._over(job_id, run)
                continue
            endings.store().reserve(job_id, self._settings.lease_seconds)
            self._stop_cancelled(job_id, run)
        free = self._settings.local_slots - len(self._runs)
        if free > 0 and not self._stopping.is_set():
            for job in endings.store().to_reserve(free):
                self._open_pool()  # the first time longer than a lease
                if self._stopping.is_set():
                    return
                if endings.store().reserve(job.id, self._settings.lease_seconds, job):
                    self._begin(job)

    def _begin(self, job: Job) -> None:
        place, attempt = self._functions.get(job.kind), job.attempt + 1
        if place is None:
            text = f"This API knows no {job.kind}"
            reason = endings.Reason.UNKNOWN_TASK
            endings.finish(job.id, State.FAILED, error=text, reason=reason)
            return
        future = self._open_pool().schedule(
            run_job,
            args=[job.id, attempt, place, job.soft_limit_s],
            timeout=job.hard_limit_s,
        )
        self._runs[job.id] = _Run(attempt, future)

    def _over(self, job_id: str, run: _Run) -> None:
        error = run.future.exception()
        if isinstance(error, TimeoutError):
            text, reason = (
                "The job ran into its hard time limit",
                endings.Reason.HARD_TIME_LIMIT,
            )
            endings.finish(
                job_id, State.FAILED, attempt=run.attempt, error=text, reason=reason
            )
        elif isinstance(error, ProcessExpired):
            endings.lose(job_id, run.attempt)
        elif error is not None:
            # The pool broke, and the job may not have begun: it is tried again when
            # its lease has run out.
            log.error("the local path lost its processes: %r", error)

    def _stop_cancelled(self, job_id: str, run: _Run) -> None:
        job = endings.store().get(job_id)
        if job is None or job.ended or job.cancel_requested_at is None:
            return
        if run.escalation is None and job.pid is not None:
            run.escalation = Escalation(
                job.pid,
                term_after_s=self._settings.cancel_term_after,
                kill_after_s=self._settings.cancel_kill_after,
            )
        if run.escalation is not None:
            sent = run.escalation.step(time.time() - job.cancel_requested_at)
            if sent is not None:
                log.warning("%s is cancelled: %s to its process", job_id, sent.name)

    def _close_pool(self) -> None:
        if self._pool is not None:
            self._pool.stop()
            self._pool.join()
            self._pool = None

    def _open_pool(self) -> ProcessPool:
        """Return the pool, a new one where there is none or it is broken."""
        # A pool that is asked whether it is active starts its processes.
        if self._pool is not None and not self._pool.active:
            self._close_pool()  # what it still ran is lost, and found by its lease
        if self._pool is None:
            CONSTS.term_timeout = TERM_S
            self._pool = ProcessPool(
                # One more than may work: the next job finds a process that has
                # imported what it needs.
                max_workers=self._settings.local_slots + 1,
                max_tasks=1,
                initializer=prepare,
                initargs=[dict(os.environ)],
                context=_fork_server(self._functions),
            )
            # Which starts its processes.
            log.info("the local path is open: %s", self._pool.active)
        return self._pool


def _fork_server(functions: Mapping[str, str]) -> BaseContext:
    """Return where processes come from: copies of one that imported what jobs need.

    A fork of this process, which has threads, may hang.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when torch is imported
    context = multiprocessing.get_context("forkserver")
    modules = sorted({place.partition(":")[0] for place in functions.values()})
    context.set_forkserver_preload([*modules, "reference_app.local_preload"])
    return context


def prepare(environment: Mapping[str, str]) -> None:
    """Have the API's environment, not that of the fork server's start; die with it."""
    os.environ.update(environment)
    threading.Thread(target=_die_with_parent, name="parent", daemon=True).start()


def run_job(job_id: str, attempt: int, place: str, soft_limit_s: float | None) -> None:
    """Run one job in this process; its row tells how it ended."""
    job_task.load(place)  # before the clock starts
    # The same signal as Celery's, sent by the kernel's clock.
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGUSR1))
    job = endings.store().get(job_id)
    if job is None:
        return
    signal.setitimer(signal.ITIMER_REAL, soft_limit_s or 0)
    orphans.adopt()
    started = orphans.Job()
    started.begin()
    try:
        # What the job raised has been written into its row.
        with contextlib.suppress(Exception, Ignore):
            job_task.run(
                place,
                job_id,
                job.request,
                attempt=attempt,
                soft_limit_s=soft_limit_s,
                path=Path.LOCAL,
            )
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        started.end()


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGKILL)
