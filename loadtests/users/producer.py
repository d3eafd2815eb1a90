"""A producer: sends tasks straight to the queue, by name, as other services do.

What becomes of them it learns from Celery's events, whose moments are the worker's.
A task that is not over in time is revoked.
"""

import logging
import time
import uuid
from dataclasses import replace
from typing import Any

from celery import Celery
from gevent.event import Event
from kombu.exceptions import OperationalError

from loadtests import arrivals, timings
from loadtests.arrivals import Planned
from loadtests.load import Refused
from loadtests.timings import Job
from loadtests.users.run import Run
from loadtests.users.sender import Sender
from loadtests.users.watching import Seen

log = logging.getLogger(__name__)

#: Type of an event -> our word for the ending that it tells of.
ENDINGS = {
    "task-succeeded": "completed",
    "task-failed": "failed",
    "task-revoked": "cancelled",
    "task-rejected": "failed",
}

#: Seconds until one worker has answered at all: it may be busy.
ANSWERED_WITHIN_S = 10.0

#: Seconds that workers have to answer, and between two tries to reach the broker.
ANSWER_S = 1.0


class Events:
    """Celery's events of the tasks that this process has sent."""

    def __init__(self, app: Celery, run: Run) -> None:
        self._app, self._run = app, run
        self.seen: dict[str, Seen] = {}
        #: Task -> when its worker says it began and ended.
        self.moments: dict[str, dict[str, float]] = {}
        self.listening = Event()

    def follow(self) -> None:
        """Take events for ever, from a new connection where one breaks."""
        with self._app.connection_for_read() as connection:
            broken = connection.connection_errors
            receiver = self._app.events.Receiver(connection, handlers={"*": self._take})
            receiver.on_consume_ready = lambda *_, **__: self.listening.set()
            while not self._run.stopping.is_set():
                try:
                    receiver.capture(limit=None, timeout=None, wakeup=False)
                except broken as error:
                    log.warning("Events are lost until Redis is back: %r", error)
                    self._run.stopping.wait(ANSWER_S)

    def _take(self, event: dict[str, Any]) -> None:
        seen = self.seen.get(event.get("uuid", ""))
        if seen is None:
            return
        moments = self.moments.setdefault(event["uuid"], {})
        if event["type"] == "task-started":
            moments.setdefault("started", event["timestamp"])
        elif event["type"] in ENDINGS:
            moments.setdefault("ended", event["timestamp"])
            seen.take(ENDINGS[event["type"]], event["timestamp"])


class Producer(Sender):
    """Sends to the queue; it needs workers that tell what they do (`-E`)."""

    def join(self, run: Run) -> None:
        """Connect to the broker and follow Celery's events."""
        self.app = client(run.load.options.broker)
        self.events = Events(self.app, run)
        run.spawn_beside(self.events.follow)
        run.wait(self.events.listening, run.deadline)  # else the first ends unseen
        run.at_close(self.app.close)

    def one(self, run: Run, planned: Planned, due: float) -> float:
        """Send a task, see its end, and revoke it if there is none in time."""
        options, job_id, sent = run.load.options, str(uuid.uuid4()), time.time()
        job = Job(planned.k, planned.job_class.name, due=due, sent=sent)
        seen = self.events.seen[job_id] = Seen()
        args = arrivals.payload(run.load.task_args, planned.job_class)
        try:
            self.app.send_task(
                *(options.task, args),
                queue=options.queue,
                task_id=job_id,
                ignore_result=True,
                retry=False,
            )
        except OperationalError as error:
            why = f"not published ({type(error).__name__})"
            run.finished(replace(job, outcome=timings.REJECTED, why=why))
            return 0.0
        # It may have been taken before the broker's answer came.
        job = replace(job, id=job_id, answered=time.time(), created=sent)
        run.wait(seen.over, run.deadline)
        del self.events.seen[job_id]
        job = replace(job, **self.events.moments.pop(job_id, {}))
        job = replace(job, arrived=seen.arrived, endings=seen.endings)
        if seen.ending:
            run.finished(replace(job, outcome=seen.ending))
        else:
            self.app.control.revoke(job_id)
            why = "the run was stopped" if run.stopping.is_set() else "no event in time"
            run.finished(replace(job, outcome=timings.UNFINISHED, why=why))
        return 0.0


def client(broker: str) -> Celery:
    """Return a client that only sends; it never becomes the current application."""
    return Celery("queueproof-producer", broker=broker, set_as_current=False)


def tell_events(broker: str) -> list[str]:
    """Ask workers to tell what they do; return those that did not before.

    Raises:
        Refused: one cannot, or none answers: nothing could be said of any job.
    """
    with client(broker) as app:
        until, answers = time.monotonic() + ANSWERED_WITHIN_S, None
        while not answers and time.monotonic() < until:
            answers = app.control.broadcast(
                "enable_events", reply=True, timeout=ANSWER_S
            )
    told = {name: said for answer in answers or [] for name, said in answer.items()}
    unable = [name for name, said in told.items() if "ok" not in said]
    if unable or not told:
        who = ", ".join(unable) or "any worker"
        raise Refused(f"No Celery events come from {who}: start it with -E.")
    # Else the answer is "task events already enabled".
    return [name for name, said in told.items() if said["ok"] == "task events enabled"]


def tell_no_events(broker: str, workers: list[str]) -> None:
    """Let these workers be as they were before `tell_events`."""
    if workers:
        with client(broker) as app:
            app.control.broadcast("disable_events", destination=workers)
