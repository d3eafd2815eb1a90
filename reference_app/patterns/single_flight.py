"""One run at a time, however many are asked for, and wherever.

Guarantee  Of all who ask for a name one gets it, and gets it again if it asks again: a
           redelivered job is no second run. Nobody else gets it before it is given
           back, or before `lasts_s` have passed since its holder asked for it last.
           Who has lost it cannot give back what is another's by now.
Units      lasts_s: seconds on Redis's clock.
Raises     redis.RedisError: nobody knows; do not run, the next time is near.
Needs      redis-py, Redis >= 5.0 that keeps its data; as the holder an id that a
           redelivered message still has. `lasts_s` above the hard time limit of the
           run: who lives has ended by then, and nobody need renew. That long a run
           that was killed keeps the next ones away.
Breaks if  `lasts_s` is shorter than a run; a whole machine is frozen for longer and
           goes on: ask `holds` before a step that must not be done twice.
Proof      contract schedule.no-overlap
Source     Redis manual, SET (NX, PX). Celery has no such option; a time to live of
           one period, as it is often seen, ends in the middle of a run that is late.
           Copy this file alone.
"""

import redis

# KEYS: the name. ARGV: holder, milliseconds.
_TAKE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
_GIVE_BACK = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""


class Flights:
    """Who runs what, remembered in Redis."""

    def __init__(self, client: redis.Redis, *, prefix: str = "flight") -> None:
        self._client, self._prefix = client, prefix

    def take(self, name: str, *, holder: str, lasts_s: float) -> bool:
        """Return whether `holder` may run `name` now, for `lasts_s` at most."""
        lasts_ms = str(int(lasts_s * 1000))
        return bool(self._client.eval(_TAKE, 1, self._key(name), holder, lasts_ms))

    def holds(self, name: str, *, holder: str) -> bool:
        """Return whether `name` is still this holder's."""
        found = self._client.get(self._key(name))
        text = found.decode() if isinstance(found, bytes) else found
        return text == holder

    def give_back(self, name: str, *, holder: str) -> None:
        """Let the next one run; without effect where it is another's by now."""
        self._client.eval(_GIVE_BACK, 1, self._key(name), holder)

    def _key(self, name: str) -> str:
        return f"{self._prefix}:{name}"
