import asyncio

import pytest
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from reference_app.patterns.replay import follow

WITHIN_S = 10

# What whoever writes a job's events does: append and publish in one step.
_APPEND = """
local seq = redis.call('XLEN', KEYS[1]) + 1
local event = string.format('{"seq":%d,"kind":"%s"}', seq, ARGV[1])
redis.call('XADD', KEYS[1], '*', 'event', event)
redis.call('PUBLISH', ARGV[2], event)
"""


def is_last(event):
    return event["kind"] == "completed"


def place(names):
    return {"log": names["log"], "channel": names["channel"]}


async def collect(server, names, *, on_event=None, **options):
    """Follow to the end; `on_event(number)` runs after each event."""
    client = server.connect_async()
    seen = []
    async with asyncio.timeout(WITHIN_S):
        async for event in follow(client, is_last=is_last, **place(names), **options):
            seen.append(event)
            if on_event is not None:
                await asyncio.to_thread(on_event, len(seen))
    await client.aclose()
    return [event["seq"] for event in seen]


def report(server, names, kind="progress"):
    server.client.eval(_APPEND, 1, names["log"], kind, names["channel"])


def finish(server, names):
    report(server, names, "completed")


def test_a_subscriber_after_the_end_gets_the_whole_log(server, names):
    for _ in range(2):
        report(server, names)
    finish(server, names)
    assert asyncio.run(collect(server, names)) == [1, 2, 3]


def test_a_subscriber_in_the_middle_gets_the_log_then_the_live_events(server, names):
    report(server, names)

    def go_on(seen):
        if seen < 4:
            report(server, names)
        elif seen == 4:
            finish(server, names)

    assert asyncio.run(collect(server, names, on_event=go_on)) == [1, 2, 3, 4, 5]


def test_several_subscribers_see_the_same(server, names):

    async def all_of_them():
        followers = [asyncio.create_task(collect(server, names)) for _ in range(5)]
        for _ in range(20):
            await asyncio.to_thread(report, server, names)
        await asyncio.to_thread(finish, server, names)
        return await asyncio.gather(*followers)

    assert asyncio.run(all_of_them()) == [list(range(1, 22))] * 5


def test_events_up_to_after_are_not_repeated(server, names):
    for _ in range(2):
        report(server, names)
    finish(server, names)
    assert asyncio.run(collect(server, names, after=2)) == [3]


@pytest.mark.real
@pytest.mark.parametrize("server", ["real"], indirect=True)
def test_a_lost_line_loses_no_event(server, names):
    report(server, names)

    def cut(seen):
        if seen == 1:
            server.client.client_kill_filter(_type="pubsub")
            report(server, names)
            report(server, names)
            finish(server, names)

    seen = asyncio.run(collect(server, names, on_event=cut, idle_s=0.1))
    assert seen == [1, 2, 3, 4]


def test_a_log_that_expired_ends_with_what_ending_knows(server, names):
    async def from_row(answers, seq):
        return {"seq": seq + 1, "kind": "completed"} if answers else None

    assert asyncio.run(collect(server, names, ending=from_row)) == [1]


def test_without_redis_the_ending_still_comes(names):
    async def from_row(answers, seq):
        return None if answers else {"seq": seq + 1, "kind": "completed"}

    async def nobody_listens():
        client = redis.asyncio.Redis(port=1, retry=Retry(NoBackoff(), 0))
        options = {"idle_s": 0.05, "ending": from_row, **place(names)}
        async with asyncio.timeout(WITHIN_S):
            return [e async for e in follow(client, is_last=is_last, **options)]

    assert [event["seq"] for event in asyncio.run(nobody_listens())] == [1]
