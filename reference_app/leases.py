"""Keeps the leases of the jobs that run in this process, by one thread for all.

A thread, because a job may be in a native call for long; one, because a job of a tenth
of a second would spend a hundredth on a thread of its own. Such a job ends before its
first renewal: whoever has no lease yet is given one by the reconciler.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from functools import lru_cache

import redis

from reference_app import endings
from reference_app.patterns.reconcile import Leases
from reference_app.settings import settings


@contextlib.contextmanager
def held(job_id: str, attempt: int) -> Iterator[None]:
    """Keep the lease of this attempt while the body runs; Redis may be away."""
    with _keeper(os.getpid()).held(endings.lease_of(job_id, attempt)):
        yield


class Keeper:
    """Renews what is held, three times per lease."""

    def __init__(self, leases: Leases, lease_s: float) -> None:
        self._leases, self._every_s = leases, lease_s / 3
        self._held: set[str] = set()
        self._renewed: set[str] = set()
        threading.Thread(target=self._keep, name="leases", daemon=True).start()

    @contextlib.contextmanager
    def held(self, lease: str) -> Iterator[None]:
        """Keep this one while the body runs."""
        self._held.add(lease)
        try:
            yield
        finally:
            self._held.discard(lease)
            if lease in self._renewed:
                self._release(lease)

    def _keep(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(self._every_s)
            for lease in list(self._held):
                self._renewed.add(lease)
                with contextlib.suppress(redis.RedisError):
                    self._leases.renew(lease)
                if lease not in self._held:  # its job has ended meanwhile
                    self._release(lease)

    def _release(self, lease: str) -> None:
        self._renewed.discard(lease)
        with contextlib.suppress(redis.RedisError):
            self._leases.release(lease)


@lru_cache(maxsize=1)
def _keeper(pid: int) -> Keeper:
    lease_s = settings().lease_seconds
    return Keeper(Leases(endings.client(), lease_s=lease_s), lease_s)
