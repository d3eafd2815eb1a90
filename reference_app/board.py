"""Where some jobs' newest state and log lie in Redis, for clients that look there.

`progress:{id}` is a hash (progress, phase, status, message, attempt, updated_at), and
`logs:{id}` a list of JSON lines {task_id, level, message, timestamp, seq}, the newest
last, bounded. Both are projections of the job's events, written after each event that
went out, and like those best effort; the row is the truth. They last as the events do.

A job on the local path needs no Redis and leaves nothing here.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

import redis

from reference_app.patterns.progress import Progress

log = logging.getLogger(__name__)

#: The domains whose clients look here.
DOMAINS = ("agent", "processing", "chat")

#: Lines of a job's log that are kept.
LINES = 1000

#: A line's level, of the events that name none.
LEVELS = {"failed": "ERROR", "cancelled": "WARNING"}


def has(kind: str) -> bool:
    """Tell whether jobs of this kind are shown here."""
    return kind.partition(".")[0] in DOMAINS


def keys(job_id: str) -> tuple[str, str]:
    """Return the keys of a job's hash and of its list."""
    return f"progress:{job_id}", f"logs:{job_id}"


def level(event: Mapping[str, Any]) -> str:
    """Return the level of what an event says."""
    return str(event["data"].get("level") or LEVELS.get(event["kind"], "INFO"))


class Shown:
    """A reporter whose events are shown here as well."""

    def __init__(self, progress: Progress, client: redis.Redis, ttl_s: int) -> None:
        self._progress, self._client, self._ttl_s = progress, client, ttl_s
        self._highest = 0.0

    def report(
        self, percent: float, event: Mapping[str, Any], *, force: bool = False
    ) -> bool:
        """Report an event, and show it if it went out."""
        self._highest = max(self._highest, percent)
        if not self._progress.report(percent, event, force=force):
            return False
        numbered = {**event, "seq": self._progress.seq, "percent": self._highest}
        try:
            show(self._client, numbered, self._ttl_s)
        except redis.RedisError as error:
            log.warning("%s is not shown: %r", event["job_id"], error)
        return True


def show(client: redis.Redis, event: Mapping[str, Any], ttl_s: int) -> None:
    """Show an event; showing the newest one again adds no line.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    state, lines = keys(event["job_id"])
    line = json.dumps(
        {
            "task_id": event["job_id"],
            "level": level(event),
            "message": event["message"],
            "timestamp": event["timestamp"],
            "seq": event["seq"],
        }
    )
    newest: Any = client.lindex(lines, -1)
    data = event["data"]
    with client.pipeline() as pipe:
        pipe.hset(
            state,
            mapping={
                "progress": int(event["percent"]),
                "phase": str(data.get("phase", "")),
                "status": _status(event),
                "message": event["message"],
                "attempt": event["attempt"],
                "updated_at": event["timestamp"],
            },
        )
        if newest is None or newest.decode() != line:
            pipe.rpush(lines, line)
        pipe.ltrim(lines, -LINES, -1)
        for key in (state, lines):
            pipe.expire(key, ttl_s)
        pipe.execute()


def lines(client: redis.Redis, job_id: str, count: int) -> list[dict[str, Any]]:
    """Return the latest lines of a job's log; none if Redis does not answer."""
    try:
        found: Any = client.lrange(keys(job_id)[1], -count, -1) if count else []
    except redis.RedisError:
        return []
    return [json.loads(line) for line in found]


def _status(event: Mapping[str, Any]) -> str:
    return "running" if event["kind"] == "progress" else str(event["kind"])
