"""Exactly one terminal event per job, whatever ends it and however often it is told.

Guarantee  The first ending announced is the only one: appended to the job's log and
           published once, with the next `seq`. A repeat, even a different one from
           another process, changes nothing and gets the first ending back. What
           goes `also` to a second channel comes from the same script: never alone.
Units      ttl_s: seconds the log outlives the ending; longer than any late reader.
Raises     redis.RedisError: nothing is known; say it again later, that is harmless.
Needs      redis-py, Redis >= 5.0; the same three names for every event of a job.
Breaks if  Redis loses the log and the same job is announced again, or two primaries
           accept writes.
Proof      contract terminal.exactly-one
Source     Redis manual, "Scripting with Lua", atomicity of scripts (7.0). Celery 5.7
           fires task_failure twice on one hard limit (celery/worker/request.py).
           Copy this file alone.
"""

import json
from collections.abc import Mapping
from typing import Any

import redis

#: A second channel, and what is published there: for clients that read another format.
Also = tuple[str, Mapping[str, Any]]

# `state` is a hash: seq, attempt, percent, ending. The event is spliced, not decoded:
# Lua's JSON would turn 1e20 or an empty list into something else.
_ANNOUNCE = """
local first = redis.call('HGET', KEYS[1], 'ending')
if first then return {0, first} end
local lost = redis.call('EXISTS', KEYS[1]) == 0
local seq = redis.call('HINCRBY', KEYS[1], 'seq', 1)
if lost and seq <= tonumber(ARGV[3]) then seq = tonumber(ARGV[3]) + 1 end
local percent = ARGV[2]
if percent == '' then percent = redis.call('HGET', KEYS[1], 'percent') or '-1' end
local event = string.format('{"seq":%d,"percent":%s,', seq, percent)
  .. string.sub(ARGV[1], 2)
redis.call('HSET', KEYS[1], 'seq', string.format('%d', seq), 'ending', event)
redis.call('XADD', KEYS[2], '*', 'event', event)
redis.call('PUBLISH', ARGV[5], event)
if ARGV[6] ~= '' then
  redis.call('PUBLISH', ARGV[6], string.format('{"seq":%d,"progress":%s,', seq, percent)
    .. string.sub(ARGV[7], 2))
end
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('EXPIRE', KEYS[2], ARGV[4])
return {1, event}
"""


def announce(
    client: redis.Redis,
    event: Mapping[str, Any],
    *,
    state: str,
    log: str,
    channel: str,
    percent: float | None = None,
    floor: int = 0,
    ttl_s: int = 86_400,
    also: Also = ("", {}),
) -> tuple[dict[str, Any], bool]:
    """Announce `event` as the job's ending; return the ending and whether it is new.

    Args:
        client: a connection with bounded timeouts.
        event: what subscribers get, not empty; `seq` and `percent` are added here.
        state: key of the job's hash, shared with its progress.
        log: key of the job's stream.
        channel: pub/sub channel of the job.
        percent: None repeats the last percent that was reported, -1 if none was.
        floor: `seq` will be above it, if Redis has no event of the job any more.
        ttl_s: seconds until Redis may forget the job.
        also: another channel and what it gets, not empty, with `seq` and `progress`.
    """
    if not event:
        raise ValueError("`event` must not be empty")
    new, ending = client.eval(
        _ANNOUNCE,
        2,
        state,
        log,
        json.dumps(event),
        "" if percent is None else json.dumps(percent),
        str(floor),
        str(ttl_s),
        channel,
        also[0],
        json.dumps(also[1]),
    )
    return json.loads(ending), bool(new)
