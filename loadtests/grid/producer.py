"""Jobs on their way at their moments, and when each was really sent.

An open loop: who is late with one job does not send the next one later, so that a slow
application is not asked for less.
"""

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from celery import Celery

from harness import Stack, wait_until
from loadtests.bench.requests import Connection
from loadtests.capacity.trace import Job
from loadtests.grid.apps import WAITS, App

#: Requests at the same time.
USERS = 4


class Producer:
    """Sends jobs to a running application; a context manager."""

    def __init__(self, app: App, stack: Stack, payload: str = "") -> None:
        self._app, self._stack, self._payload = app, stack, payload
        self._celery = Celery(broker=stack.urls.broker, set_as_current=False)
        self._celery.conf.task_ignore_result = True
        #: {job: seconds since the epoch}; of each that was accepted.
        self.sent: dict[str, float] = {}
        #: {what was wrong: how often}
        self.refused: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._celery.close()

    def send(self, jobs: Sequence[Job]) -> None:
        """Send them all, each not before its moment; return when the last is sent."""
        users = USERS if self._app.route else 1
        began = time.monotonic()
        with ThreadPoolExecutor(users) as pool:
            shares = [jobs[number::users] for number in range(users)]
            list(pool.map(lambda share: self._send(share, began), shares))

    def _send(self, jobs: Sequence[Job], began: float) -> None:
        send = self._through_the_api() if self._app.route else self._to_the_queue()
        for job in jobs:
            _await(began + job.after_s)
            send(job.seconds)

    def _to_the_queue(self) -> Callable[[float], None]:
        # A task that only waits takes no payload: it travels beside the arguments.
        headers = {"payload": self._payload} if self._payload else None

        def send(seconds: float) -> None:
            moment = time.time()
            sent = self._celery.send_task(
                WAITS,
                kwargs={"seconds": seconds},
                queue=self._app.queue,
                headers=headers,
            )
            self.sent[sent.id] = moment

        return send

    def _through_the_api(self) -> Callable[[float], None]:
        connection = Connection(self._stack.urls.api)

        def send(seconds: float) -> None:
            moment = time.time()
            answer = connection.ask(
                self._app.route, {"seconds": seconds, "payload": self._payload}
            )
            if answer.status == 202:
                self.sent[json.loads(answer.body)["task_id"]] = moment
            else:
                why = f"HTTP {answer.status}"
                self.refused[why] = self.refused.get(why, 0) + 1

        return send


def _await(moment: float) -> None:
    """Return at this moment of the monotonic clock, at once when it is over."""
    left_s = moment - time.monotonic()
    if left_s > 0:
        wait_until(
            lambda: time.monotonic() >= moment,
            within_s=left_s + 60,
            every_s=left_s,
            what="the moment of a job has come",
        )
