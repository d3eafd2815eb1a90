"""A message that was accepted is sent until somebody claims it, whatever loses it.

Guarantee  `sweep` sends what its sender did not confirm, and sends again what is in no
           queue and in no worker's hands for `apart_s`: a message popped by a worker
           that died of it, taken into a dead connection, or lost with Redis's memory.
           What still waits is left alone, however long the queue is.
Units      apart_s: seconds between the first look that misses a message and the one
           that gives it up; longer than a process takes from message to claim.
Raises     redis.RedisError: nothing is known of the queues; sweep again later. What
           `send` raises passes: the rest waits for the next sweep.
Needs      redis-py, Celery's Redis transport with JSON messages, no priorities; a
           record written before the message is sent; claims by compare-and-set, since
           a message may arrive twice.
Breaks if  A job runs without claiming its id, or workers hold messages elsewhere.
Proof      contract terminal.exactly-one
Source     Measured on kombu 5.7, 6 of 6: a message sent right after its worker was
           frozen was popped into the dead connection, in no queue and not in `unacked`;
           acks_late and the visibility timeout do not help. Copy this file alone.
"""

import json
import time
from collections.abc import Callable, Collection, Iterator, Sequence

import redis

#: Messages read at once.
PAGE = 500


class Outbox:
    """Sweeps one deployment's messages; keep it between two sweeps."""

    def __init__(
        self,
        client: redis.Redis,
        *,
        queues: Collection[str],
        apart_s: float = 2.0,
        held: str = "unacked",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._queues, self._held = client, queues, held
        self._apart_s, self._clock = apart_s, clock
        self._missed_s: dict[str, float] = {}  # by id: first missed at

    def sweep(
        self,
        *,
        unconfirmed: Sequence[str],
        waiting: Sequence[str],
        send: Callable[[str], None],
    ) -> list[str]:
        """Send what has to be sent; return the ids of what was sent again.

        Args:
            unconfirmed: recorded some time ago, and nobody said that they were sent.
            waiting: sent some time ago, and not claimed.
            send: sends the message of an id, and notes it.
        """
        for job_id in unconfirmed:
            send(job_id)
        lost = self._lost(waiting)
        for job_id in lost:
            send(job_id)
            self._missed_s.pop(job_id)
        return lost

    def _lost(self, waiting: Sequence[str]) -> list[str]:
        # Without anything to look for the queues are not read at all.
        missing = set(waiting) - self._present() if waiting else set()
        now_s = self._clock()
        self._missed_s = {i: self._missed_s.get(i, now_s) for i in missing}
        seen_s = self._missed_s.items()
        # Two looks at least: one may fall between queue and hands.
        return sorted(i for i, at in seen_s if now_s - at >= self._apart_s > 0)

    def _present(self) -> set[str]:
        # The queues first: a message moves from a queue into a worker's hands.
        found = {_id(raw) for queue in self._queues for raw in self._read(queue)}
        for raw in self._client.hvals(self._held):
            message, *_ = json.loads(raw)
            found.add(message.get("headers", {}).get("id", ""))
        return found

    def _read(self, queue: str) -> Iterator[bytes | str]:
        # New messages come in at the front and move the others back: some are read
        # twice, none is missed.
        start = 0
        while page := self._client.lrange(queue, start, start + PAGE - 1):
            yield from page
            start += PAGE


def _id(raw: bytes | str) -> str:
    try:
        return str(json.loads(raw)["headers"]["id"])
    except (ValueError, TypeError, KeyError):
        return ""  # somebody else's message
