"""The events of a job for any number of readers in this process, read once.

The first reader starts one follower of the job's log; a later one gets all events from
the beginning, then each as it comes. When the last one leaves, the follower ends and
its connection to Redis is free.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from reference_app import events
from reference_app.jobs import Jobs
from reference_app.settings import Settings

Event = dict[str, Any]


class EndOfFeed(Exception):
    """The job has ended, and all of it was read."""


class Feeds:
    """The jobs that somebody in this process follows."""

    def __init__(self, settings: Settings, jobs: Jobs) -> None:
        self._redis, self._jobs = events.connect_async(settings), jobs
        self._feeds: dict[str, _Feed] = {}

    @asynccontextmanager
    async def reading(self, job_id: str) -> AsyncIterator["Reader"]:
        """Give a reader that starts at the job's first event."""
        feed = self._feeds.get(job_id)
        if feed is None:
            source = events.follow(self._redis, self._jobs, job_id)
            feed = self._feeds[job_id] = _Feed(source)
        feed.readers += 1
        try:
            yield Reader(feed)
        finally:
            feed.readers -= 1
            if not feed.readers:
                self._feeds.pop(job_id, None)
                await feed.stop()

    @property
    def followed(self) -> int:
        """The number of jobs that are followed now."""
        return len(self._feeds)

    async def close(self) -> None:
        """Stop all followers and let go of Redis."""
        for feed in self._feeds.values():
            await feed.stop()
        await self._redis.aclose()


class Reader:
    """One reader's place in a job's events."""

    def __init__(self, feed: "_Feed") -> None:
        self._feed, self._position = feed, 0

    async def next(self, within_s: float | None = None) -> Event | None:
        """Return the next event, None if none came in time; by default it may take any.

        Raises:
            EndOfFeed: there is nothing more to come.
        """
        if self._position == len(self._feed.events):
            try:
                async with asyncio.timeout(within_s):
                    await self._feed.beyond(self._position)
            except TimeoutError:
                return None
        if self._position == len(self._feed.events):
            raise EndOfFeed
        self._position += 1
        return self._feed.events[self._position - 1]


class _Feed:
    """One follower, and what it has read."""

    def __init__(self, source: AsyncIterator[Event]) -> None:
        self.events: list[Event] = []
        self.readers = 0
        self._ended = False
        #: Set at the next change, and then replaced: all who wait go on at once.
        self._changed = asyncio.Event()
        self._follower = asyncio.create_task(self._follow(source))

    async def beyond(self, position: int) -> None:
        """Wait until there is an event at `position`, or there will be none."""
        while len(self.events) <= position and not self._ended:
            await self._changed.wait()

    async def stop(self) -> None:
        """Let go of the log; returns when its connection is free."""
        self._follower.cancel()
        await asyncio.wait([self._follower])

    async def _follow(self, source: AsyncIterator[Event]) -> None:
        try:
            async for event in source:
                self.events.append(event)
                self._change()
        finally:
            self._ended = True
            self._change()

    def _change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
