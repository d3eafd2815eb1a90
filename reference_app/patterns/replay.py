"""A subscriber who comes late, or loses the line, sees every event once, in order.

Guarantee  The whole log first, then live events as they come, each once, `seq` rising;
           after the terminal event the iterator ends. A lost connection or a dropped
           message is made good from the log.
Units      idle_s: seconds between two looks at the log when nothing arrives.
Raises     Nothing for a lost connection: it connects again. Errors of `ending` pass.
Needs      redis-py asyncio, Redis >= 6.2; a client that gives up within a second; a
           stream whose entries hold the JSON in the field `event`, published on
           `channel` by the same script that appends.
Breaks if  The log expires before the subscriber comes: give `ending`.
Proof      contract replay.late-subscriber, replay.after-reconnect
Source     Redis manual, "Pub/Sub", delivery semantics: at most once, nothing is kept;
           pub/sub ignores database numbers (measured on 7.0). Copy this file alone.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import redis.asyncio
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import RedisError

Event = dict[str, Any]
#: Asked when nothing arrives, with whether Redis answers and the last `seq` delivered.
#: An event that it returns is delivered as the last one.
Ending = Callable[[bool, int], Awaitable[Event | None]]


async def follow(
    client: redis.asyncio.Redis,
    *,
    log: str,
    channel: str,
    is_last: Callable[[Event], bool],
    after: int = 0,
    idle_s: float = 1.0,
    ending: Ending | None = None,
) -> AsyncIterator[Event]:
    """Yield the events with a `seq` above `after`, up to the one that `is_last`."""
    while True:
        try:
            async with client.pubsub() as pubsub:
                await _subscribe(pubsub, channel, idle_s)
                position, live = "-", None
                while True:
                    events: list[Event] = []
                    # Look into the log at first, when idle, and when a gap shows
                    # that a reconnect below us swallowed messages.
                    if live is None or live["seq"] > after + 1:
                        position, events = await _read(client, log, position)
                    for event in [*events, live]:
                        if event is None or event["seq"] <= after:
                            continue
                        after = event["seq"]
                        yield event
                        if is_last(event):
                            return
                    if live is None and not events and ending is not None:
                        last = await ending(True, after)
                        if last is not None:
                            yield last
                            return
                    live = await _next(pubsub, idle_s)
        except (RedisError, OSError):
            last = None if ending is None else await ending(False, after)
            if last is not None:
                yield last
                return
            await _pause(idle_s)


async def _subscribe(pubsub: PubSub, channel: str, within_s: float) -> None:
    # Sent is not enough: only after the server's answer is nothing missed.
    await pubsub.subscribe(channel)
    if await pubsub.get_message(timeout=within_s) is None:
        raise NotConnected("Redis does not answer SUBSCRIBE")


async def _read(
    client: redis.asyncio.Redis, log: str, position: str
) -> tuple[str, list[Event]]:
    entries: list[tuple[Any, dict[Any, Any]]]
    entries = await client.xrange(log, min=position) or []  # type: ignore[assignment]
    events = []
    for entry_id, fields in entries:
        name = entry_id.decode() if isinstance(entry_id, bytes) else str(entry_id)
        position = f"({name}"
        events.append(json.loads(fields.get("event") or fields[b"event"]))
    return position, events


async def _next(pubsub: PubSub, idle_s: float) -> Event | None:
    message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=idle_s)
    if message is None:
        return None
    event: Event = json.loads(message["data"])
    return event


async def _pause(seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()
