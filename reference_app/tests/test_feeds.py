import asyncio

import pytest

from reference_app import endings, events
from reference_app.feeds import EndOfFeed, Feeds
from reference_app.jobs import State
from reference_app.settings import settings

WITHIN_S = 5.0


@pytest.fixture
def report(jobs):
    jobs.create("a", "gan.train_tvae", {})
    jobs.start("a")
    reporter = events.reporter(endings.client(), settings(), "a", 1)

    def send(percent):
        event = events.envelope("a", 1, "progress", f"at {percent}", {})
        assert reporter.report(percent, event, force=True)

    return send


def in_a_loop(scenario):
    async def with_feeds():
        feeds = Feeds(settings(), endings.store())
        try:
            return await scenario(feeds)
        finally:
            await feeds.close()

    return asyncio.run(with_feeds())


async def seqs(reader, count):
    return [(await reader.next(WITHIN_S))["seq"] for _ in range(count)]


def test_early_and_late_readers_read_the_same_from_one_follower(report):
    async def scenario(feeds):
        report(10)
        async with feeds.reading("a") as early:
            first = await seqs(early, 1)
            async with feeds.reading("a") as late:
                report(20)
                assert feeds.followed == 1
                return first + await seqs(early, 1), await seqs(late, 2)

    assert in_a_loop(scenario) == ([1, 2], [1, 2])


def test_when_the_last_reader_leaves_the_follower_ends(report):
    async def scenario(feeds):
        async with feeds.reading("a"):
            async with feeds.reading("a") as leaving:
                report(10)
                await leaving.next(WITHIN_S)
            followed = [feeds.followed]
        return [*followed, feeds.followed]

    assert in_a_loop(scenario) == [1, 0]
    ((_, left),) = endings.client().pubsub_numsub(events.names("a").channel)
    assert left == 0


def test_after_the_ending_there_is_nothing_more(report):
    async def scenario(feeds):
        endings.finish("a", State.COMPLETED, result={})
        async with feeds.reading("a") as reader:
            ending = await reader.next(WITHIN_S)
            with pytest.raises(EndOfFeed):
                await reader.next(WITHIN_S)
            return ending["kind"]

    assert in_a_loop(scenario) == "completed"


def test_a_reader_is_told_that_nothing_came_in_time(report):
    async def scenario(feeds):
        async with feeds.reading("a") as reader:
            return await reader.next(0.1)

    assert in_a_loop(scenario) is None
