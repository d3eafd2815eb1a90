"""A user of the API: submits a job, then watches it over Socket.IO or by asking."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from locust.contrib.fasthttp import FastHttpUser, ResponseContextManager

from loadtests import arrivals, timings
from loadtests.arrivals import Planned
from loadtests.load import Load
from loadtests.timings import Job
from loadtests.users.run import Run
from loadtests.users.sender import Sender
from loadtests.users.watching import Rooms, Seen, moment, poll

#: Seconds until a request counts as one without an answer.
ANSWER_S = 15.0


class Submitter(Sender, FastHttpUser):
    """Submits through the API; asks once more when a job has ended, for its moments."""

    connection_timeout = network_timeout = ANSWER_S
    #: Connections of one user: above this a request would wait here, and not there.
    concurrency = 500
    rooms: Rooms | None = None

    def join(self, run: Run) -> None:
        """Connect over Socket.IO, if that is how it watches."""
        if run.load.options.watch == "socket":
            self.rooms = Rooms(run.load)
            self.rooms.open()
            run.at_close(self.rooms.close)

    def one(self, run: Run, planned: Planned, due: float) -> float:
        """Submit a job, see its end, and cancel it if there is none in time."""
        job, away_s = self._submit(run, planned, due)
        if job.outcome == timings.UNFINISHED:
            run.open.add(job.id)
            job = self._ended(run, job, self._watch(run, job.id))
            # Only now: another ending, were there one, would have been seen.
            if self.rooms is not None:
                self.rooms.leave(job.id)
        run.finished(job)
        return away_s

    def _submit(self, run: Run, planned: Planned, due: float) -> tuple[Job, float]:
        """Return the job as it was answered, and Retry-After in seconds.

        Without an answer nobody knows whether there is a job now: the same key asks
        once more, and makes no second one.
        """
        job = Job(planned.k, planned.job_class.name, due=due, sent=time.time())
        key = run.load.options.key
        headers = {key: str(uuid.uuid4())} if key else {}
        answer = self._post(run, planned, headers)
        if key and not answer.status_code:
            answer = self._post(run, planned, headers)
        job = replace(job, answered=time.time())
        after = _retry_after(answer)
        if after:  # seconds, or a date
            away_s = float(after) if after.isdigit() else 1.0
            return replace(job, outcome=timings.REFUSED), away_s
        why = _why(answer, run.load)
        if why:
            return replace(job, outcome=timings.REJECTED, why=why), 0.0
        job = replace(job, id=_id(answer, run.load), outcome=timings.UNFINISHED)
        return job, 0.0

    def _post(
        self, run: Run, planned: Planned, headers: dict[str, str]
    ) -> ResponseContextManager:
        method, _, route = run.load.options.submit.partition(" ")
        with self.client.request(
            method,
            route,
            json=arrivals.payload(run.load.payload, planned.job_class),
            headers=headers,
            name="submit",
            catch_response=True,
        ) as answer:
            # What locust is to count as a failure.
            if _retry_after(answer):
                answer.success()
            elif why := _why(answer, run.load):
                answer.failure(why)
        return answer

    def _watch(self, run: Run, job_id: str) -> Seen:
        if self.rooms is None:
            return poll(
                lambda: self._ask("status", run, job_id),
                run.stopping,
                every_s=run.load.options.poll_s,
                until=run.deadline,
                words=run.load.words,
                state=run.load.fields["state"],
            )
        seen = self.rooms.follow(job_id)
        run.wait(seen.over, run.deadline)
        return seen

    def _ended(self, run: Run, job: Job, seen: Seen) -> Job:
        """Return the job with what was seen, and what the application tells of it."""
        fields = run.load.fields
        told = self._ask("status", run, job.id) or {}
        moments = {
            ours: moment(told.get(fields[ours]))
            for ours in ("created", "started", "ended")
            if ours in fields
        }
        job = replace(
            job,
            **moments,
            progress=seen.progress,
            arrived=seen.arrived,
            endings=seen.endings,
        )
        state = run.load.words.get(str(told.get(fields["state"])))
        if seen.ending and state not in (seen.ending, None):
            why = f"its ending said {seen.ending}, its state {state}"
            return replace(job, outcome=seen.ending, why=why)
        if seen.ending:
            return replace(job, outcome=seen.ending)
        if state in timings.ENDED:
            return replace(job, outcome=state, why="no event told of its ending")
        self._ask("cancel", run, job.id)
        why = "the run was stopped" if run.stopping.is_set() else "no ending in time"
        return replace(job, outcome=timings.UNFINISHED, why=why)

    def _ask(self, what: str, run: Run, job_id: str) -> Mapping[str, Any] | None:
        """Ask a route about a job; None if there is no answer that can be used."""
        method, _, route = getattr(run.load.options, what).partition(" ")
        path = route.replace("{job}", job_id)
        with self.client.request(
            method, path, name=what, catch_response=True
        ) as answer:
            return _json(answer) if _ok(answer) else None


def _ok(answer: ResponseContextManager) -> bool:
    return 200 <= (answer.status_code or 0) < 300


def _json(answer: ResponseContextManager) -> Mapping[str, Any] | None:
    try:
        found = answer.json()
    except (TypeError, ValueError):
        return None
    return found if isinstance(found, Mapping) else None


def _id(answer: ResponseContextManager, load: Load) -> str:
    return str((_json(answer) or {}).get(load.fields["id"]) or "")


def _retry_after(answer: ResponseContextManager) -> str:
    """Return Retry-After of a refusal as it should be, nothing of another answer."""
    if answer.status_code != 429:
        return ""
    return (answer.headers or {}).get("Retry-After") or ""


def _why(answer: ResponseContextManager, load: Load) -> str:
    """Return what is wrong with the answer to a submit that was not refused."""
    if not answer.status_code:
        return f"no answer ({type(answer.error).__name__})"
    if answer.status_code == 429:
        return "HTTP 429 without Retry-After"
    if not _ok(answer):
        return f"HTTP {answer.status_code}"
    return "" if _id(answer, load) else "accepted without a job id"
