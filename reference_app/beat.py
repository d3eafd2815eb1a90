"""The beat process: the schedule, sent by whoever holds the lock, and the reconciler.

The schedule and the time of each last run lie in Redis: no file to lose, to corrupt or
to share by mistake. Several beats are as good as one: they stand by.
"""

import contextlib
import logging
from typing import Any

import redis
from celery import signals
from celery.apps.beat import Beat
from redbeat import RedBeatScheduler
from redbeat.schedulers import (
    LUA_EXTEND_TO_SCRIPT,
    acquire_distributed_beat_lock,
    get_redis,
)
from redis.backoff import NoBackoff
from redis.exceptions import LockNotOwnedError, NoPermissionError
from redis.retry import Retry

from reference_app import pidfile
from reference_app.broker import ANSWER_S, app
from reference_app.reconcile import Reconciler
from reference_app.settings import settings

log = logging.getLogger(__name__)

app.conf.update(
    beat_max_loop_interval=settings().beat_loop_interval,
    redbeat_redis_url=settings().celery_broker_url,
    redbeat_redis_options={
        "socket_timeout": ANSWER_S,
        "socket_connect_timeout": ANSWER_S,
        # One look per tick; redis-py's own retries would hold up the reconciler.
        "retry": Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    },
    redbeat_key_prefix="beat:",
    redbeat_lock_key="beat:lock",
    redbeat_lock_timeout=settings().beat_lock_timeout,
)

# RedBeat's own way to the lock blocks until it has it, so that a beat in waiting could
# not reconcile; and when Redis is away just then, the beat never gets it.
signals.beat_init.disconnect(acquire_distributed_beat_lock)


class LockedScheduler(RedBeatScheduler):
    """RedBeat's scheduler, which outlives its Redis and the loss of its lock.

    Each tick also looks for jobs that nobody else can end, with and without the lock:
    no worker may live, and two reconcilers do no harm.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._reconciler = Reconciler(settings())
        self._trouble = ""
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        """Do nothing yet: Redis may be away, and another beat may lead."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due if we lead, reconcile, return the seconds until the next."""
        wait_s: float = self.max_interval
        try:
            if self.lock is not None or self._lead():
                wait_s = super().tick(*args, **kwargs)
            self._say("")
        except LockNotOwnedError:
            # We were frozen for longer than the lock lasts, or Redis lost its data.
            log.warning("beat: lost the lock, standing by")
            self.lock = None
        except redis.RedisError as error:
            # Whatever it is, ending this process would not mend it.
            self._say(_told(error))
        self._reconciler.run_if_due()
        return min(wait_s, self._reconciler.interval_s)

    def close(self) -> None:
        """Let go of the lock, so that another beat leads at once."""
        with contextlib.suppress(redis.RedisError):
            super().close()

    @property
    def _maybe_due_kwargs(self) -> dict[str, Any]:
        # No producer of its own, which would stay broken after a Redis restart: each
        # message takes one of the pool.
        return {}

    def _say(self, trouble: str) -> None:
        """Log it once, not at each tick; an empty one is the end of it."""
        if trouble and trouble != self._trouble:
            log.error("beat: nothing is sent: %s", trouble)
        elif self._trouble and not trouble:
            log.warning("beat: Redis answers again")
        self._trouble = trouble

    def _lead(self) -> bool:
        client = get_redis(self.app)
        lock = client.lock(self.lock_key, timeout=self.lock_timeout)
        # Sets the time left; redis-py's own would add to it.
        lock.lua_extend = client.register_script(LUA_EXTEND_TO_SCRIPT)
        if not lock.acquire(blocking=False):
            return False
        super().setup_schedule()
        self.lock = lock
        log.warning("beat: leading")
        return True


def _told(error: redis.RedisError) -> str:
    if isinstance(error, (redis.AuthenticationError, NoPermissionError)):
        return f"Redis wants another password: see CELERY_BROKER_URL ({error})"
    if isinstance(error, (redis.ConnectionError, redis.TimeoutError)):
        return f"Redis is away: {error!r}"
    if "READONLY" in str(error) or isinstance(error, redis.ReadOnlyError):
        return f"Redis is read-only: is this the replica? ({error})"
    return f"Redis refuses: {error!r}"


def main() -> None:
    """Run beat until SIGTERM; a Redis outage does not end it."""
    with pidfile.held(settings().beat_pidfile.resolve()):
        Beat(app=app, loglevel="INFO", quiet=True).run()
