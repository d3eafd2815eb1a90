"""Ends what no process can end, sends what got to nobody, announces what was not.

It runs inside beat, not as a Celery task: it must work when no worker lives. Where no
beat looks, the API processes do.
"""

import logging
import threading
import time

import redis
from sqlalchemy import Engine, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from reference_app import endings, local_events
from reference_app.database import looks
from reference_app.jobs import Path
from reference_app.outbox import Sweeper
from reference_app.patterns.reconcile import Leases
from reference_app.settings import Settings

log = logging.getLogger(__name__)

#: Seconds between two deletions of old events and results.
FORGET_S = 600.0

#: Looks that beat may miss before an API process looks.
MISSED_LOOKS = 5


class Reconciler:
    """Looks every `interval_s`; one per deployment is enough, two do no harm."""

    def __init__(self, settings: Settings, *, stand_in: bool = False) -> None:
        self.interval_s = settings.reconcile_interval
        self._settings, self._stand_in = settings, stand_in
        self._leases = Leases(endings.client(), lease_s=settings.lease_seconds)
        self._sweeper = Sweeper()
        self._next_s = self._forget_s = 0.0

    def run_if_due(self) -> None:
        """Look, unless the last look is less than `interval_s` old.

        A stand-in looks only when nobody else does. Trouble with Redis or the database
        is logged, never raised.
        """
        if time.monotonic() < self._next_s:
            return
        try:
            patience_s = MISSED_LOOKS * self.interval_s if self._stand_in else 0.0
            mine = _take_look(endings.store().engine, patience_s)
        except SQLAlchemyError as error:
            log.warning("nothing reconciled this time: %r", error)
            mine = False
        if mine:
            self.run()
        self._next_s = time.monotonic() + self.interval_s

    def run(self) -> None:
        """Do all that is to be done; what fails leaves the rest alone."""
        for step in (
            self._announce,
            self._lose_local,
            self._lose,
            self._sweeper.sweep,
            self._forget,
        ):
            try:
                step()
            except (redis.RedisError, SQLAlchemyError) as error:
                log.warning("not reconciled this time: %s: %r", step.__name__, error)

    def _announce(self) -> None:
        jobs = endings.store()
        for job in jobs.unannounced():
            endings.announce(job.id)

    def _lose(self) -> None:
        active = {
            endings.lease_of(job.id, job.attempt): job
            for job in endings.store().active()
        }
        if not active:
            return  # without jobs there no Redis is asked: it may well be gone
        for lease in self._leases.lost(list(active)):
            job = active[lease]
            log.warning("%s is lost", job.id)
            endings.lose(job.id, job.attempt)
            self._leases.release(lease)

    def _lose_local(self) -> None:
        for job in endings.store().active(Path.LOCAL):
            if (job.lease_until or 0) < time.time():
                log.warning("%s is lost, with the API that ran it", job.id)
                endings.lose(job.id, job.attempt)

    def _forget(self) -> None:
        if time.monotonic() < self._forget_s:
            return
        self._forget_s = time.monotonic() + FORGET_S
        local_events.forget(endings.store(), self._settings.events_ttl)
        endings.store().forget_results(self._settings.result_ttl)


def _take_look(engine: Engine, patience_s: float) -> bool:
    """Note that a reconciler looks now; False if one did in the last `patience_s`."""
    now = time.time()
    with engine.begin() as connection:
        old = looks.c.at <= now - patience_s
        if connection.execute(update(looks).where(old).values(at=now)).rowcount:
            return True
        if connection.execute(select(looks)).first() is None:
            # The first look ever: a stand-in lets beat begin.
            connection.execute(insert(looks).values(id=1, at=now))
            return patience_s == 0
        return False


class StandIn:
    """A thread of the API process that reconciles while no beat does."""

    def __init__(self, settings: Settings) -> None:
        self._reconciler = Reconciler(settings, stand_in=True)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reconcile", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; returns when a look under way is over."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._reconciler.interval_s):
            self._reconciler.run_if_due()
