"""A job that takes its process with it is tried so often, then set aside with a reason.

Guarantee  Of all starts of a job at most `limit` are allowed, however many messages or
           workers there are and however the earlier starts ended. The next one is
           refused before the job does anything, and the job lies in quarantine with
           its message and the reason, once, until somebody releases it.
Units      limit: starts. ttl_s: seconds the count outlives the last start; longer than
           any redelivery takes. Quarantine has no end by itself. at_s: Unix time.
Raises     Poisoned, from `begin`: acknowledge the message, end the job as failed with
           the reason `poison`. NotQuarantined, from `release`.
           redis.RedisError: nothing was counted, so do not run; put the message back.
Needs      redis-py, Redis >= 5.0 that keeps its data; an id that survives redelivery.
Breaks if  Redis forgets the count: the job then starts `limit` times more.
Proof      contract delivery.poison-is-bounded
Source     Celery 5.7, task_reject_on_worker_lost: 6 starts in 16 s without end, also
           with max_retries=0. `redelivered` is no count: a warm shutdown sets it, too;
           on Redis there is no x-delivery-count. Copy this file alone.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import redis

# Count and quarantine in one step: nobody dies between them. Redis's own clock.
_BEGIN = """
local count = redis.call('INCR', KEYS[1])
redis.call('EXPIRE', KEYS[1], ARGV[1])
if count <= tonumber(ARGV[2]) then return count end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[1])
local now = redis.call('TIME')
redis.call('HSETNX', KEYS[2], ARGV[3], now[1] .. ' ' .. ARGV[4])
return 0
"""
_TAKE = """
local entry = redis.call('HGET', KEYS[2], ARGV[1])
if entry then
  redis.call('HDEL', KEYS[2], ARGV[1])
  redis.call('DEL', KEYS[1])
end
return entry
"""


class Poisoned(Exception):
    """The job was started as often as allowed and never came to an end."""


class NotQuarantined(LookupError):
    """No such job in quarantine: it was never there, or another released it first."""


class Entry(NamedTuple):
    """A job in quarantine: since when, its message, and why."""

    job_id: str
    at_s: float
    message: dict[str, Any]
    reason: str


class Poison:
    """The counts and the quarantine of one application."""

    def __init__(
        self,
        client: redis.Redis,
        *,
        limit: int = 3,
        ttl_s: int = 7 * 86_400,
        prefix: str = "poison",
    ) -> None:
        if limit < 1:
            raise ValueError(f"limit={limit}: a job needs at least 1 start")
        self._client, self._limit, self._ttl_s = client, limit, ttl_s
        self._prefix, self._list = prefix, f"{prefix}:quarantine"

    def begin(self, job_id: str, message: Mapping[str, Any]) -> int:
        """Count a start, before anything else; return its number, from 1.

        `message` is what it takes to send the job again: task, arguments, queue.
        """
        reason = f"started {self._limit} times and never came to an end"
        entry = json.dumps({"message": dict(message), "reason": reason})
        args = (str(self._ttl_s), str(self._limit), job_id, entry)
        count = int(
            self._client.eval(_BEGIN, 2, self._count(job_id), self._list, *args)
        )
        if count == 0:
            raise Poisoned(f"job {job_id}: {reason}")
        return count

    def ended(self, job_id: str) -> None:
        """Forget the count: the job has come to an end, a good one or a bad one."""
        self._client.delete(self._count(job_id))

    def quarantine(self) -> list[Entry]:
        """Return what lies in quarantine, oldest first."""
        found = self._client.hgetall(self._list).items()
        return sorted(
            (_entry(*item) for item in found), key=lambda e: (e.at_s, e.job_id)
        )

    def release(self, job_id: str) -> Entry:
        """Take a job out, with a new count; the caller, one alone, sends it again."""
        taken = self._client.eval(_TAKE, 2, self._count(job_id), self._list, job_id)
        if taken is None:
            raise NotQuarantined(f"{job_id}: {NotQuarantined.__doc__}")
        return _entry(job_id, taken)

    def _count(self, job_id: str) -> str:
        return f"{self._prefix}:starts:{job_id}"


def _entry(job_id: str | bytes, stored: str | bytes) -> Entry:
    name = job_id.decode() if isinstance(job_id, bytes) else job_id
    text = stored.decode() if isinstance(stored, bytes) else stored
    at_s, _, body = text.partition(" ")
    return Entry(name, float(at_s), **json.loads(body))
