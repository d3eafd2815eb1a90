"""The law about jobs that are coroutines, and their soft limit."""

from collections.abc import Mapping

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.job_view import JobView, Run
from harness.verdict import Verdict, holds, inconclusive, merge, violated

#: The mark by which a coroutine says that its own `finally` ran.
CLEANED = "coroutine cleanup"

#: Seconds by which the application's clock of the limit may be ahead of the journal's.
EARLY_S = 0.2


@contract(
    id="time_limit.coroutine-cleans-up",
    code="TIME-006",
    claim="A job that is a coroutine cleans up at its soft limit as any other does, "
    "and leaves nothing that spoils the next job",
    user_sees="programs, files and connections that a timed-out job left open; or the "
    "next job fails with 'Event loop is closed'",
    likely="`new_event_loop().run_until_complete(...)`: the limit is raised in the "
    "loop and not in the coroutine, so its `finally` never runs; or the loop is in a "
    "thread, which hears no signal",
    source="CPython, asyncio runners; measured on Celery 5.7: with run_until_complete "
    "neither `except` nor `finally` of the coroutine ran, with asyncio.run both did",
    needs=("api", "worker", "job", "journal"),
    bounds={
        "soft_grace_s": Bound(2.0, "s", "from the limit to the run's end; typical 0.1"),
        "t_rec_s": Bound(10.0, "s", "from then to the next job's start; typical 0.2"),
    },
)
def coroutine_cleans_up(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at each job that is a coroutine and has a soft limit."""
    coroutines = history.run.get("coroutines") or ()
    return merge(
        (
            _stopped(job, job.runs[0], job.limits[0], bounds)
            for job in history.jobs
            if job.job_kind in coroutines and job.runs and job.limits[0] is not None
        ),
        nothing="No job that is a coroutine was started.",
    )


def _stopped(
    job: JobView, run: Run, soft_s: float | None, bounds: Mapping[str, float]
) -> Verdict:
    limit_t = run.start.t + (soft_s or 0.0)
    due_t = limit_t + bounds["soft_grace_s"]
    until_s = job.history.watched_until_s
    expected = f"stopped by its soft limit at {limit_t:.2f} s, before {due_t:.2f} s"
    end, evidence = run.end, (run.start.line, *((run.end.line,) if run.end else ()))
    told = f"{run.how} at {end.t:.2f} s" if end else f"no end until {until_s:.2f} s"
    hurt = any(o.t <= due_t for o in job.faults + job.cancels)
    early = end is not None and end.t < limit_t - EARLY_S
    if hurt or early or (end is None and until_s < due_t):
        return inconclusive(
            "The job did not meet its soft limit unharmed, as far as it was watched.",
            expected=expected,
            observed=told,
            evidence=evidence,
            job=job.id,
            due_t=None if hurt or early else due_t,
        )
    if end is None or run.how != "soft_time_limit" or end.t > due_t:
        return violated(
            "The coroutine went on past its soft limit.",
            expected=expected,
            observed=told,
            evidence=evidence,
            job=job.id,
            timed=run.how == "soft_time_limit",
        )
    cleaned = [mark for mark in run.marks if mark.get("name") == CLEANED]
    if not cleaned or cleaned[-1].t > end.t:
        return violated(
            "The job was stopped, and the coroutine's own clean-up did not run before."
            if cleaned
            else "The job was stopped, and the coroutine's own clean-up never ran.",
            expected=f"its mark {CLEANED!r} before the job's end at {end.t:.2f} s",
            observed=f"at {cleaned[-1].t:.2f} s" if cleaned else "no such mark",
            evidence=(*evidence, *(mark.line for mark in cleaned[-1:])),
            job=job.id,
        )
    grace_s = max(0.0, end.t - limit_t)
    return _next_works(job, run, end, grace_s, bounds["t_rec_s"])


def _next_works(
    job: JobView, run: Run, end: Observation, grace_s: float, t_rec_s: float
) -> Verdict:
    """Look at the first job that began after it."""
    waiting = [
        other
        for other in job.history.jobs
        if other.submitted is not None and other.submitted.t <= end.t
    ]
    later = [r for other in waiting for r in other.runs if r.start.t >= end.t]
    first = min(later, key=lambda r: r.start.t, default=None)
    due_t = end.t + t_rec_s
    expected = f"a job that waited begins before {due_t:.2f} s and is done well"
    if first is None or first.end is None:
        return inconclusive(
            "No job that waited was seen to begin and end after it.",
            expected=expected,
            observed=f"began at {first.start.t:.2f} s" if first else "none began",
            evidence=(end.line,),
            job=job.id,
            due_t=due_t if first is None and len(waiting) > 1 else None,
        )
    evidence = (end.line, first.start.line, first.end.line)
    began_late = first.start.t > due_t
    if began_late or not first.succeeded:
        return violated(
            "The next job began late." if began_late else "The next job was spoiled.",
            expected=expected,
            observed=f"began at {first.start.t:.2f} s; {first.how}",
            evidence=evidence,
            job=job.id,
            timed=began_late,
        )
    where = "the same process" if first.in_process_of(run) else "another process"
    return holds(
        f"Cleaned up and stopped {grace_s:.2f} s after the limit; the next job, in "
        f"{where}, was done well.",
        evidence=evidence,
        measured={"soft_grace_s": grace_s, "t_rec_s": first.start.t - end.t},
        job=job.id,
    )
