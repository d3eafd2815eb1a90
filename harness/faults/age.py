"""A worker holds a message for long: its visibility timeout runs out, or nearly.

An hour is tested in a second, on the application's own configuration: only the time
of the delivery is changed, in the sorted set where Celery's Redis transport keeps it,
and whoever looks for old messages finds this one so old.
"""

import contextlib
import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from harness.faults.message import NOBODYS_TASK, message
from harness.faults.record import injected
from harness.probes import held
from harness.probes.held import ANSWER_WITHIN_S, INDEX, UNACKED
from harness.recorder import Recorder
from harness.stack import Stack

_FAULT = "age"

#: Seconds between two corrections of the age, by which the message is too old at most.
EVERY_S = 0.05


@contextmanager
def aged(
    stack: Stack, history: Recorder, job: str, to_s: float, reason: str
) -> Iterator[bool]:
    """Let the job's message look delivered `to_s` seconds ago while the body runs.

    It stays that old, to `EVERY_S`. An orphan is laid beside it, the oldest message of
    all, of a queue that nobody serves: as soon as that one was put back, somebody has
    looked for old messages and has seen the job's too, and `probe.swept` is recorded.

    Proof is the age as another connection reads it. No bite where nobody holds such a
    message: it waits, or was acknowledged.
    """
    prefix = stack.key_prefix
    url = stack.urls.broker
    before = held.age_s(url, job, key_prefix=prefix)
    with redis.Redis.from_url(url, socket_timeout=ANSWER_WITHIN_S) as client:
        ageing = _Ageing(client, prefix, history, job, to_s)
        bit = ageing.begin()
        seen = held.age_s(url, job, key_prefix=prefix)
        proof = f"held for {_told(before)}, then for {_told(seen)}"
        injected(
            history, _FAULT, None, bit=bit, proof=proof, job=job, to_s=to_s, why=reason
        )
        try:
            yield bit
        finally:
            ageing.end()
            history.record("fault", "healed", job, fault=_FAULT)


def _told(age_s: float | None) -> str:
    return "no time" if age_s is None else f"{age_s:.2f} s"


class _Ageing:
    """Keeps one held message at one age, and looks for the orphan beside it."""

    def __init__(
        self,
        client: "redis.Redis",
        prefix: str,
        history: Recorder,
        job: str,
        to_s: float,
    ) -> None:
        self._client = client
        self._history = history
        self._job = job
        self._to_s = to_s
        self._unacked, self._index = prefix + UNACKED, prefix + INDEX
        self._orphan = f"queueproof-orphan-{uuid.uuid4()}"
        self._orphanage = prefix + self._orphan
        self._tag = held.tag_of(client, job, key_prefix=prefix) or ""
        self._delivered_at: float | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="queueproof-age")

    def begin(self) -> bool:
        """Age the message and lay the orphan, in one transaction.

        Returns False where nobody holds such a message, or it is older already.
        """
        if not self._tag:
            return False
        entry = message(self._orphan, NOBODYS_TASK, self._orphan)
        raw = json.dumps([json.loads(entry), "", self._orphan])
        score = time.time() - self._to_s
        pipe = self._client.pipeline(transaction=True)
        pipe.zscore(self._index, self._tag)
        pipe.zadd(self._index, {self._tag: score}, xx=True, lt=True)
        pipe.zscore(self._index, self._tag)
        pipe.hset(self._unacked, self._orphan, raw)
        pipe.zadd(self._index, {self._orphan: 0.0})
        self._delivered_at, _, after, *_ = pipe.execute()
        bit = after is not None and float(after) == score
        if bit:
            self._thread.start()
        return bit

    def end(self) -> None:
        """Give the message its own age back, and take the orphan away."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        pipe = self._client.pipeline(transaction=True)
        if self._delivered_at is not None:
            # Not where it was delivered again since: that is younger.
            scores = {self._tag: self._delivered_at}
            pipe.zadd(self._index, scores, xx=True, gt=True)
        pipe.hdel(self._unacked, self._orphan)
        pipe.zrem(self._index, self._orphan)
        pipe.delete(self._orphanage)
        with contextlib.suppress(redis.RedisError):
            pipe.execute()

    def _keep(self) -> None:
        swept = False
        while not self._stop.wait(EVERY_S):
            with contextlib.suppress(redis.RedisError):
                scores = {self._tag: time.time() - self._to_s}
                self._client.zadd(self._index, scores, xx=True, gt=True)
                if not swept and self._client.exists(self._orphanage):
                    swept = True
                    self._history.record("probe", "swept", self._job)
