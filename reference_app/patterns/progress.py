"""Progress that never goes back, never floods, and never holds up the job.

Guarantee  Within an attempt percent never decreases and every event has a higher
           `seq`; after the ending, or once a newer attempt reports, nothing is added.
           At most one event per `every_s`, except forced ones. With Redis away the
           job loses at most about `budget_s` in all, then reports are dropped. What
           goes `also` to a second channel comes from the same script: never alone.
Units      every_s, budget_s: seconds; ttl_s too, to a tenth. percent: 0 to 100.
Raises     Nothing for Redis trouble: progress is best effort, the ending is not.
Needs      redis-py, Redis >= 5.0; a client whose timeouts are short (0.1 s) and
           which does not retry by itself. One reporter per attempt, one thread.
Breaks if  The client's own timeouts are long: one call may last that long.
Proof      contract progress.never-goes-back, progress.attempts-are-told-apart,
           progress.lost-transport-does-not-stop-the-job
Source     Redis manual, "Scripting with Lua" (7.0). Copy this file alone.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import redis
from redis.exceptions import NoScriptError

#: Seconds to leave Redis alone after the first failure; doubles up to the second value.
BACK_OFF_S, LONGEST_BACK_OFF_S = 0.5, 4.0

#: A second channel, and what is published there: for clients that read another format.
#: The script puts `seq` and `progress` before it; it must not be empty.
Also = tuple[str, Mapping[str, Any]]

# The same hash and stream that hold the ending. 0: refused, for good.
_APPEND = """
local known = redis.call('HMGET', KEYS[1], 'ending', 'attempt', 'percent', 'seq')
if known[1] then return 0 end
local newer = tonumber(known[2] or '0') - tonumber(ARGV[3])
if newer > 0 then return 0 end
local shown, percent = newer == 0 and known[3] or '0', ARGV[2]
if tonumber(shown) > tonumber(percent) then percent = shown end
local seq = math.max(tonumber(known[4] or '0'), tonumber(ARGV[4])) + 1
local event = string.format('{"seq":%d,"percent":%s,', seq, percent) .. ARGV[1]:sub(2)
redis.call('HSET', KEYS[1], 'seq', string.format('%d', seq),
  'attempt', ARGV[3], 'percent', percent)
redis.call('XADD', KEYS[2], '*', 'event', event)
redis.call('PUBLISH', ARGV[6], event)
if ARGV[7] then
  redis.call('PUBLISH', ARGV[7], string.format('{"seq":%d,"progress":%s,', seq, percent)
    .. string.sub(ARGV[8], 2))
end
if redis.call('TTL', KEYS[1]) < 0.9 * tonumber(ARGV[5]) then
  for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, ARGV[5]) end
end
return seq
"""
#: What Redis knows the script by, once it had its text: that is most of a report.
_DIGEST = hashlib.sha1(_APPEND.encode()).hexdigest()


class Progress:
    """The reporter of one attempt of one job."""

    def __init__(
        self,
        client: redis.Redis,
        *,
        state: str,
        log: str,
        channel: str,
        attempt: int = 1,
        every_s: float = 0.15,
        budget_s: float = 1.0,
        ttl_s: int = 86_400,
        also: Callable[[Mapping[str, Any]], Also] = lambda event: ("", {}),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._keys, self._channel = client, (state, log), channel
        self._attempt, self._every_s, self._ttl_s = attempt, every_s, ttl_s
        self._budget_s, self._clock, self._also = budget_s, clock, also
        self._highest = 0.0
        self._next_s, self._retry_s = float("-inf"), float("-inf")
        self._back_off_s = BACK_OFF_S
        self.seq = 0  #: of the last event that Redis took
        self.closed = False  #: the job has ended, or a newer attempt reports

    def report(
        self, percent: float, event: Mapping[str, Any], *, force: bool = False
    ) -> bool:
        """Append and publish `event` (not empty); tell whether it went out.

        `force` passes the throttle (a new stage, the first report), not the back-off.
        """
        self._highest = max(self._highest, percent)
        now_s = self._clock()
        not_before_s = self._retry_s if force else max(self._retry_s, self._next_s)
        if self.closed or self._budget_s <= 0 or now_s < not_before_s:
            return False
        args = (json.dumps(event), json.dumps(self._highest), self._attempt)
        channel, body = self._also(event)
        rest: list[str | int] = [self.seq, self._ttl_s, self._channel]
        rest += [channel, json.dumps(body)] if channel else []
        try:
            seq = int(self._append(*self._keys, *args, *rest))
        except (redis.RedisError, OSError):
            lost_at_s = self._clock()
            self._budget_s -= lost_at_s - now_s
            self._retry_s = lost_at_s + self._back_off_s
            self._back_off_s = min(2 * self._back_off_s, LONGEST_BACK_OFF_S)
            return False
        self._next_s, self._back_off_s = now_s + self._every_s, BACK_OFF_S
        self.closed = seq == 0
        self.seq = max(self.seq, seq)
        return not self.closed

    def _append(self, *keys_and_arguments: str | int) -> Any:
        try:
            return self._client.evalsha(_DIGEST, 2, *keys_and_arguments)
        except NoScriptError:
            return self._client.eval(_APPEND, 2, *keys_and_arguments)
