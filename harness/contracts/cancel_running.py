"""The law about a job that is cancelled while it runs."""

from collections.abc import Mapping

from harness.cancel_view import (
    LIMITS,
    STOPPED,
    asked_t,
    endings,
    running,
    word,
    work_over,
)
from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.job_view import JobView, Run
from harness.verdict import Verdict, holds, inconclusive, merge, violated


@contract(
    id="cancel.running-stops",
    code="CANC-001",
    claim="A job that is cancelled while it runs stops soon, and its user is told "
    "'cancelled', once",
    user_sees="a stop button that does nothing: the job goes on, costs what it costs, "
    "and ends as if nobody had asked",
    likely="the cancel is a revoke without terminate, which a running task never "
    "hears; or a flag that the job does not look at",
    source="Celery manual, workers guide, revoke; measured on 5.7: without terminate "
    "a running task ends with SUCCESS, in the pools solo and threads with it too",
    needs=("api", "worker", "job"),
    bounds={
        "stop_s": Bound(5.0, "s", "from the answer to the end of the work; typical 1"),
        "told_s": Bound(10.0, "s", "from then to the user's ending; typical 0.1-1"),
        "race_s": Bound(1.5, "s", "an end of its own this soon after may win"),
    },
)
def running_stops(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at every job that was cancelled while it ran unharmed."""
    return merge(
        (
            verdict
            for job in history.jobs
            for cancel in job.cancels[:1]
            if (verdict := _stopped(job, cancel, bounds)) is not None
        ),
        nothing="No job was cancelled while it ran, unharmed, and was stopped by that.",
    )


def _stopped(
    job: JobView, cancel: Observation, bounds: Mapping[str, float]
) -> Verdict | None:
    run = running(job, cancel)
    if run is None or job.faults:
        return None  # it waited, or was hurt: another law's case
    over = work_over(job, run)
    due_t = cancel.t + bounds["stop_s"]
    expected = f"stopped before {due_t:.2f} s; cancelled at {cancel.t:.2f} s"
    if over is None or over.t > due_t:
        late = over is not None or job.history.watched_until_s >= due_t
        return (violated if late else inconclusive)(
            "The job went on after its cancel."
            if late
            else "Watching stopped before the job had to be stopped.",
            expected=expected,
            observed=_ended(job, run, over),
            evidence=(cancel.line, run.start.line, *((over.line,) if over else ())),
            job=job.id,
            timed=late,
            due_t=None if late else due_t,
        )
    evidence = (cancel.line, run.start.line, over.line)
    limit = any(end.get("how") in LIMITS for end in run.ends)
    wrong = next((told for told in endings(job) if word(told) != "cancelled"), None)
    if limit or wrong is not None:
        by_itself = limit or run.how not in (None, *STOPPED)
        if by_itself and over.t <= asked_t(cancel) + bounds["race_s"]:
            return None  # it was about to end: either may win
        return violated(
            "The job went on after its cancel, until a time limit ended it."
            if limit
            else f"The user of a cancelled job was told '{word(wrong or over)}'.",
            expected="stopped by the cancel, and the ending 'cancelled'",
            observed=_ended(job, run, over),
            evidence=(*evidence, *((wrong.line,) if wrong else ())),
            job=job.id,
        )
    return _told_once(job, cancel, over, bounds["told_s"])


def _told_once(
    job: JobView, cancel: Observation, over: Observation, told_s: float
) -> Verdict:
    """Look at what its users were told, once its work was over."""
    due_t = over.t + told_s
    told = endings(job)
    expected = f"'cancelled', once, before {due_t:.2f} s"
    evidence = (cancel.line, over.line, *((told[0].line,) if told else ()))
    if not told or told[0].t > due_t:
        late = bool(told) or job.history.watched_until_s >= due_t
        asked = bool(job.subscribers or job.statuses)
        return (violated if late and asked else inconclusive)(
            "The job was stopped, but its user was not told so in time."
            if late and asked
            else "The job was stopped, but nobody watched or asked until told.",
            expected=expected,
            observed=job.told,
            evidence=evidence,
            job=job.id,
            timed=late,
            due_t=due_t if asked and not late else None,
        )
    for subscriber in job.subscribers:
        if len(subscriber.terminals) > 1:
            return violated(
                f"{subscriber.name} was told {len(subscriber.terminals)} times.",
                expected=expected,
                observed=", ".join(f"at {e.t:.2f} s" for e in subscriber.terminals),
                evidence=(cancel.line, *(e.line for e in subscriber.terminals)),
                job=job.id,
            )
    stop_s, after_s = max(0.0, over.t - cancel.t), max(0.0, told[0].t - over.t)
    return holds(
        f"Stopped {stop_s:.2f} s after the cancel, told 'cancelled' {after_s:.2f} s "
        "later.",
        evidence=evidence,
        measured={"stop_s": stop_s, "told_s": after_s},
        job=job.id,
    )


def _ended(job: JobView, run: Run, over: Observation | None) -> str:
    """Return in words how the work ended and what was told."""
    ends = " and ".join(f"{end.get('how')} at {end.t:.2f} s" for end in run.ends)
    if not ends and over is not None:
        ends = f"its process is gone at {over.t:.2f} s"
    still = f"at work until {job.history.watched_until_s:.2f} s"
    return f"{ends or still}; {job.told}"
