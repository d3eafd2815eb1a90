"""Whether Redis answers: on a connection of its own, without retries."""

from __future__ import annotations

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

#: Seconds a healthy Redis never needs for a PING on one machine.
ANSWER_WITHIN_S = 0.5


def why_down(url: str) -> str | None:
    """Return why a PING failed (refused, unanswered), or None where it answered."""
    with redis.Redis.from_url(
        url,
        socket_timeout=ANSWER_WITHIN_S,
        socket_connect_timeout=ANSWER_WITHIN_S,
        retry=Retry(NoBackoff(), 0),
    ) as client:
        try:
            client.ping()
        except redis.RedisError as error:
            return f"PING: {error}"
    return None


def server_version(url: str) -> str:
    """Return what answers there, such as `valkey 9.1.2` or `redis 7.0.15`.

    Raises:
        redis.RedisError: nothing answers.
    """
    with redis.Redis.from_url(url, socket_timeout=ANSWER_WITHIN_S) as client:
        about = client.info("server")
    name = str(about.get("server_name", "redis"))
    return f"{name} {about.get(f'{name}_version', about['redis_version'])}"
