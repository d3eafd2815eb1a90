"""Laws about what a job's own code makes of its time limit."""

from collections.abc import Mapping

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.job_view import JobView, Run
from harness.verdict import Verdict, holds, inconclusive, merge, violated

#: Seconds before its limit at which an end still counts as the limit's: the pool's
#: clock starts when it hears that the child took the job, a moment before or after the
#: start that is in the ledger (within 0.05 s, on two busy cores).
EARLY_S = 0.2

#: Ends that are a limit's whenever they come.
LIMITS = ("soft_time_limit", "hard_time_limit")

#: Tasks of ours; they swallow limits because they are told to.
OURS = "queueproof."


@contract(
    id="time_limit.soft-limit-is-not-swallowed",
    code="TIME-004",
    claim="A job's own code turns its soft time limit neither into a success nor into "
    "more work",
    user_sees="a job that took too long and is shown as done, with half of its result; "
    "or one that is tried again and again, each time just as long",
    likely="`except Exception` around an item, a retry of any error "
    "(`autoretry_for=(Exception,)`): SoftTimeLimitExceeded is a plain Exception; or "
    "the pool delivers no soft limit",
    source="Celery manual, workers guide, time limits; harvard-lil/perma#2032; "
    "measured: `except Exception: continue` worked on until the hard limit, "
    "autoretry_for made a limit of 1 s last 3.1 s",
    needs=("worker", "job"),
    bounds={
        "soft_grace_s": Bound(2.0, "s", "from the limit to the run's end; typical 0.1")
    },
)
def soft_limit_is_not_swallowed(
    history: History, bounds: Mapping[str, float]
) -> Verdict:
    """Look at every job of the application that was still there at its soft limit."""
    return merge(
        (
            verdict
            for job in history.jobs
            if job.limits[0] is not None and not _is_ours(job)
            if (verdict := _judged(job, bounds["soft_grace_s"])) is not None
        ),
        nothing="No job of the application was still there at its soft limit.",
    )


def _is_ours(job: JobView) -> bool:
    assert job.submitted is not None
    return str(job.submitted.get("task")).startswith(OURS)


def _judged(job: JobView, grace_s: float) -> Verdict | None:
    """Judge one job; None where it says nothing about soft limits."""
    verdict = _met(job, job.runs[0], grace_s) if job.runs else None
    sent = job.named("send.accepted")
    if verdict is not None or not sent:
        return verdict
    # Sent with a limit of ours, so that it meets it: a second job must not hide this.
    return inconclusive(
        "A job was sent with a soft limit and did not meet it.",
        expected=f"still there {job.limits[0]:g} s after its start, and undamaged",
        observed="; ".join(_words(end) for run in job.runs for end in run.ends)
        or f"{len(job.runs)} starts, no end",
        evidence=(sent[0].line,),
        job=job.id,
    )


def _met(job: JobView, run: Run, grace_s: float) -> Verdict | None:
    """Judge how the first run met its soft limit; None where it did not."""
    # The pool's clock runs before the job has written its own first line.
    start = min((run.start, *job.named("ledger.start")), key=lambda o: o.t)
    limit_t = start.t + (job.limits[0] or 0.0)
    due_t = limit_t + grace_s
    if any(f.t <= due_t for f in job.faults + job.cancels):
        return None  # hurt or unwanted: not the soft limit's case
    expected = f"stopped as failed before {due_t:.2f} s, and nothing after it"
    end = min(run.ends, key=lambda o: o.t, default=None)
    if end is None and job.history.watched_until_s < due_t:
        return inconclusive(
            "Watching stopped before the soft limit could show.",
            expected=expected,
            observed=f"no end until {job.history.watched_until_s:.2f} s",
            evidence=(run.start.line,),
            job=job.id,
            due_t=due_t,
        )
    if end is not None and end.get("how") not in LIMITS and end.t < limit_t - EARLY_S:
        return None  # done before the limit could matter
    by_force = any(e.get("how") == "hard_time_limit" for e in run.ends)
    if end is None or end.t > due_t or by_force:
        last = run.ends[-1] if run.ends else None
        return violated(
            "The job worked on past its soft limit.",
            expected=expected,
            observed=f"limit at {limit_t:.2f} s; {_words(last) if last else 'no end'}",
            evidence=(run.start.line, *((last.line,) if last else ())),
            job=job.id,
            timed=not by_force,
        )
    success = _success(job, run)
    if success is not None:
        return violated(
            "The time-out became a success.",
            expected=expected,
            observed=f"limit at {limit_t:.2f} s; {_words(success)}",
            evidence=(run.start.line, success.line),
            job=job.id,
        )
    more = next((o for o in (_retry(job), *_starts_after(job, end)) if o), None)
    if more is not None:
        return violated(
            "The time-out became more work: the job is tried again.",
            expected=expected,
            observed=f"limit at {limit_t:.2f} s; {_words(more)}",
            evidence=(run.start.line, end.line, more.line),
            job=job.id,
        )
    overrun_s = max(0.0, end.t - limit_t)
    return holds(
        f"Stopped {overrun_s:.2f} s after its soft limit: {end.get('how')}.",
        evidence=(run.start.line, end.line),
        measured={"soft_grace_s": overrun_s},
        job=job.id,
    )


def _success(job: JobView, run: Run) -> Observation | None:
    """Return what says that the job succeeded: run, event, status or result."""
    if run.succeeded:
        return run.end
    said = (
        *(e for e in job.terminals if e.get("event") == "completed"),
        *(s for s in job.statuses if s.get("state") == "completed"),
        *(s for s in job.named("agent.state") if s.get("state") == "SUCCESS"),
        *(e for e in job.named("ledger.end") if e.get("how") == "success"),
    )
    return next(iter(said), None)


def _retry(job: JobView) -> Observation | None:
    ends = job.named("ledger.end")
    return next((end for end in ends if end.get("how") == "retry"), None)


def _starts_after(job: JobView, end: Observation) -> tuple[Observation, ...]:
    return tuple(run.start for run in job.runs[1:] if run.start.t >= end.t)


def _words(o: Observation) -> str:
    word = o.get("how") or o.get("event") or o.get("state") or ""
    return f"{o.name} {word} at {o.t:.2f} s".replace("  ", " ")
