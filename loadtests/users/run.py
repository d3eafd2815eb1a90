"""What one load-generating process has of a run: its share, its open jobs, its end."""

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any

import gevent
from gevent.event import Event
from gevent.pool import Group
from locust.env import Environment

from loadtests.arrivals import Planned
from loadtests.load import Load
from loadtests.timings import REFUSED, REJECTED, Job, durations

#: Seconds that jobs which are under way when a run is stopped get to be cancelled.
CLEAN_UP_S = 10.0


class JobFailed(Exception):
    """What locust shows of a job that did not complete as it should."""


class Run:
    """A share of a load while it is sent; all users of a process have the same one.

    Args:
        load: the whole one.
        planned: what this process sends of it.
        begin: when it begins, the same moment for all processes.
        environment: locust's; its statistics get every duration of every job.
    """

    def __init__(
        self,
        load: Load,
        planned: Sequence[Planned],
        begin: float,
        environment: Environment,
    ) -> None:
        self.load, self.begin = load, begin
        #: When a job that has not ended is given up.
        self.deadline = begin + load.length_s + load.options.drain_s
        #: Set once no more is to be sent, and what is under way to be given up.
        self.stopping = Event()
        #: Ids of jobs that were accepted through the API and have not ended.
        self.open: set[str] = set()
        self.greenlets, self._beside = Group(), Group()
        self._to_send = deque(planned)
        self._told: list[list[object]] = []
        #: What became of the looks of those who only watch.
        self._watched: Counter[str] = Counter()
        self._environment = environment
        self._closers: list[Callable[[], Any]] = []

    def next(self) -> tuple[Planned, float] | None:
        """Return the next job, at the moment at which it is due; None: no more."""
        if self._all_sent():
            return None
        planned = self._to_send.popleft()
        due = self.begin + planned.due_s if self.load.rate else time.time()
        if self.stopping.wait(max(0.0, due - time.time())):
            return None
        return planned, due

    @property
    def over(self) -> bool:
        """Tell whether nothing is left to send and nothing under way."""
        return self._all_sent() and not self.greenlets

    def _all_sent(self) -> bool:
        past = time.time() > self.begin + self.load.length_s
        closed = self.load.rate is None
        return not self._to_send or self.stopping.is_set() or (closed and past)

    def spawn(self, work: Callable[..., Any], *args: Any) -> gevent.Greenlet:
        """Do it beside everything else, at the latest until the run is closed."""
        return self.greenlets.spawn(work, *args)

    def spawn_beside(self, work: Callable[[], Any]) -> None:
        """Do it until the run is closed; the run does not wait for it to be over."""
        self._beside.spawn(work)

    def wait(self, over: Event, until: float) -> bool:
        """Wait until it is set; False: the run is stopping or the moment is past."""
        left_s = max(0.0, until - time.time())
        gevent.wait([over, self.stopping], timeout=left_s, count=1)
        return over.is_set()

    def finished(self, job: Job) -> None:
        """Take what became of a job, and show it in locust's statistics."""
        self.open.discard(job.id)
        self._told.append(job.row())
        for name, seconds in durations(job).items():
            if name != "whole_s":
                self.show(name.removesuffix("_s").replace("_", " "), seconds)
        seconds = durations(job).get("whole_s", 0.0)
        if job.outcome == REFUSED:
            self.show("refused, come again later", seconds)
        elif job.outcome != REJECTED:  # locust has counted that request itself
            wrong = job.why or ("" if job.outcome == "completed" else job.outcome)
            self.show("whole", seconds, wrong=wrong)

    def show(self, name: str, seconds: float, *, wrong: str = "") -> None:
        """Add a line to locust's statistics, which are in milliseconds."""
        self._environment.events.request.fire(
            request_type="job",
            name=name,
            response_time=seconds * 1000,
            response_length=0,
            exception=JobFailed(wrong) if wrong else None,
            context={},
        )

    def watched(self, word: str) -> None:
        """Count how somebody fared who only watches."""
        self._watched[word] += 1

    def take_told(self) -> dict[str, Any]:
        """Return what finished since the last call: `jobs`, as rows, and `watched`."""
        told = {"jobs": self._told, "watched": dict(self._watched)}
        self._told, self._watched = [], Counter()
        return told

    def at_close(self, close: Callable[[], Any]) -> None:
        """Do this when the run is over: close a connection, say."""
        self._closers.append(close)

    def close(self) -> None:
        """Give up what is under way, then close what users opened."""
        self.stopping.set()
        self.greenlets.join(timeout=CLEAN_UP_S)
        self.greenlets.kill(timeout=1)
        self._beside.kill(timeout=1)
        for close in self._closers:
            close()
        self._closers.clear()


def run_of(environment: Environment) -> Run | None:
    """Return the run that a process takes part in."""
    return getattr(environment, "queueproof_run", None)


def open_run(environment: Environment, run: Run) -> None:
    """Make it the run of this process."""
    environment.queueproof_run = run
