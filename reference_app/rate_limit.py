"""How often one client may submit: so many times in a sliding window.

The count lies in Redis, so that it is one count for all replicas of the API. When Redis
does not answer within ANSWER_S, this process counts for itself and asks again after
BACK_OFF_S: a dead Redis neither lets everybody in nor keeps anybody out, and costs one
request in a while a quarter of a second.
"""

import logging
import math
import threading
import time

import redis
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)

#: Seconds Redis may take to count; typically 0.001.
ANSWER_S = 0.25

#: Seconds to leave Redis alone after a failure.
BACK_OFF_S = 5.0


class RateLimit:
    """At most `count` hits of one client in any `window_s` seconds; count 0: no limit.

    Args:
        url: the Redis that keeps the counts.
        name: what is limited; limits of different names do not mix.
        count: hits that are let through.
        window_s: whole seconds.
    """

    def __init__(self, url: str, name: str, count: int, window_s: int) -> None:
        self._name = name
        self._item = RateLimitItemPerSecond(count, window_s) if count else None
        self._shared = MovingWindowRateLimiter(
            RedisStorage(
                url,
                key_prefix="rate",
                socket_timeout=ANSWER_S,
                socket_connect_timeout=ANSWER_S,
                # A connection that a restart broke is replaced; a time-out is not
                # repeated.
                retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
            )
        )
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._ask_again_s = 0.0
        self._lock = threading.Lock()

    def hit(self, client: str) -> int | None:
        """Count a hit; return None, or whole seconds to wait if it is one too many.

        One too many is not counted.
        """
        if self._item is None:
            return None
        if time.monotonic() >= self._ask_again_s:
            try:
                return self._hit(self._shared, self._item, client)
            except redis.RedisError as error:
                log.warning("counting for this process alone: %r", error)
                self._ask_again_s = time.monotonic() + BACK_OFF_S
        with self._lock:
            return self._hit(self._own, self._item, client)

    def _hit(
        self, limiter: MovingWindowRateLimiter, item: RateLimitItem, client: str
    ) -> int | None:
        if limiter.hit(item, self._name, client):
            return None
        resets_at = limiter.get_window_stats(item, self._name, client).reset_time
        return max(1, math.ceil(resets_at - time.time()))
