"""A job whose process can report no ending any more is found, and only such a job.

Guarantee  Running jobs keep a lease. `lost` names those whose lease ran out: at the
           earliest `lease_s` after the last renewal, at the latest `lease_s` after it
           plus the time between two calls. A job without a lease (not yet renewed,
           or Redis forgot) gets one lease of grace. When nobody looked for longer
           than a lease, Redis being away say, every lease starts anew.
Units      lease_s: seconds on Redis's own clock, at least three renewals long.
Raises     redis.RedisError: nothing is known now; look again later.
Needs      redis-py, Redis >= 5.0; a durable list of the active jobs elsewhere.
Breaks if  A process is frozen for longer than a lease and then goes on: let a second
           process renew too, and end jobs by compare-and-set.
Proof      contract terminal.every-exit (exit.worker_killed)
Source     Redis manual, TIME in scripts (effects replication, 5.0). Celery 5.7 with
           early ack: SIGKILL of the worker leaves STARTED for ever. Copy this file
           alone.
"""

from collections.abc import Sequence

import redis

# Redis's clock: the machines' clocks differ.
_NOW = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local lease = tonumber(ARGV[1])
"""
_RENEW = (
    _NOW
    + """
redis.call('ZADD', KEYS[1], string.format('%.3f', now + lease), ARGV[2])
"""
)
_LOST = (
    _NOW
    + """
local looked = tonumber(redis.call('GET', KEYS[2]) or '0')
redis.call('SET', KEYS[2], string.format('%.3f', now))
local away = now - looked > lease
local lost = {}
for i = 2, #ARGV do
  local ends = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if not ends or (away and tonumber(ends) < now) then
    redis.call('ZADD', KEYS[1], string.format('%.3f', now + lease), ARGV[i])
  elseif tonumber(ends) < now then
    lost[#lost + 1] = ARGV[i]
  end
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.3f', now - 60 * lease))
return lost
"""
)


class Leases:
    """The leases of all running jobs: one sorted set, scored by when each runs out."""

    def __init__(
        self, client: redis.Redis, *, key: str = "leases", lease_s: float = 3.0
    ) -> None:
        self._client, self._key, self._lease_s = client, key, str(lease_s)

    def renew(self, job_id: str) -> None:
        """Promise that the job is looked after for another `lease_s`."""
        self._client.eval(_RENEW, 1, self._key, self._lease_s, job_id)

    def release(self, job_id: str) -> None:
        """Forget the job: it has ended."""
        self._client.zrem(self._key, job_id)

    def lost(self, active: Sequence[str]) -> list[str]:
        """Return those of `active` that nobody looks after. One caller at a time."""
        keys = (self._key, f"{self._key}:looked")
        found = self._client.eval(_LOST, 2, *keys, self._lease_s, *active)
        return [i.decode() if isinstance(i, bytes) else str(i) for i in found]
