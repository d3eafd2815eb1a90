"""The three patterns that share a job's hash and stream, together."""

import asyncio
import json

from reference_app.patterns.progress import Progress
from reference_app.patterns.replay import follow
from reference_app.patterns.terminal import announce


def test_after_the_ending_no_progress_and_its_percent_is_the_last(client, names):
    progress = Progress(client, every_s=0, **names)
    progress.report(42.5, {"kind": "progress"})
    event, _ = announce(client, {"kind": "cancelled"}, **names)
    assert (event["seq"], event["percent"]) == (2, 42.5)
    assert not progress.report(60, {"kind": "progress"}, force=True)
    log = [json.loads(fields[b"event"]) for _, fields in client.xrange(names["log"])]
    assert [event["kind"] for event in log] == ["progress", "cancelled"]


def test_a_late_subscriber_gets_progress_and_ending(server, names):
    progress = Progress(server.client, every_s=0, **names)
    for percent in (0, 50):
        progress.report(percent, {"kind": "progress"})
    announce(server.client, {"kind": "completed"}, percent=100, **names)

    async def collect():
        client = server.connect_async()
        place = {"log": names["log"], "channel": names["channel"]}
        last = {"is_last": lambda event: event["kind"] == "completed"}
        seen = [event["percent"] async for event in follow(client, **place, **last)]
        await client.aclose()
        return seen

    assert asyncio.run(collect()) == [0, 50, 100]
