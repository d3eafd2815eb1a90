"""Laws about jobs that take too long."""

from collections.abc import Mapping

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.job_view import JobView, Run
from harness.verdict import Verdict, holds, inconclusive, merge, violated

#: Ends by which a limit shows that it was enforced.
LIMITS = ("soft_time_limit", "hard_time_limit")


@contract(
    id="time_limit.soft-limit-cleans-up",
    code="TIME-001",
    claim="At its soft limit a job stops, cleans up, and its user is told 'failed' "
    "before the hard limit",
    user_sees="a job that is cut off with its files and memory left behind, or a "
    "time-out shown as success",
    likely="no soft limit travels with the message, or a broad `except Exception` in "
    "the job swallows it",
    source="Celery manual, workers guide, time limits",
    needs=("api", "worker", "socket", "job", "journal"),
    bounds={
        "soft_grace_s": Bound(2.0, "s", "from the limit to the run's end; typical 0.1")
    },
)
def soft_limit_cleans_up(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at every run that passed its soft limit unharmed."""
    return merge(
        (
            verdict
            for job in history.jobs
            for run in job.runs
            if (verdict := _cleaned(job, run, bounds["soft_grace_s"])) is not None
        ),
        nothing="No watched run passed its soft limit.",
    )


def _cleaned(job: JobView, run: Run, grace_s: float) -> Verdict | None:
    soft_s, hard_s = job.limits
    if soft_s is None or not job.subscribers or run.start.source != "journal":
        return None
    limit_t = run.start.t + soft_s
    until_t = run.end.t if run.end else job.history.watched_until_s
    stopped = run.end is not None and run.how == "soft_time_limit"
    if any(f.t <= limit_t + grace_s for f in job.faults + job.cancels):
        return None  # hurt or unwanted: not the soft limit's case
    hard = run.parent_end.get("how") if run.parent_end else None
    if not stopped and hard not in LIMITS and until_t <= limit_t + grace_s:
        return None  # done, or not watched, before the limit could matter
    expected = f"stopped by the soft limit of {soft_s:g} s, within {grace_s:g} s of it"
    if run.end is None or not stopped or run.end.t > limit_t + grace_s:
        told = f"{run.how} at {run.end.t:.2f} s" if run.end else "no end"
        return violated(
            "The job went on past its soft limit.",
            expected=expected,
            observed=f"limit at {limit_t:.2f} s; {told}"
            + (f"; the worker reports {hard}" if hard else ""),
            evidence=(run.start.line, *((run.end.line,) if run.end else ())),
            job=job.id,
            timed=stopped,
        )
    overrun_s = max(0.0, run.end.t - limit_t)
    evidence = (run.start.line, run.end.line)
    if not any(mark.get("name") == "cleanup" for mark in run.marks):
        return violated(
            "The job stopped at its soft limit and cleaned nothing up.",
            expected="its clean-up mark in the journal",
            observed=f"{len(run.marks)} marks, none of clean-up",
            evidence=evidence,
            job=job.id,
        )
    return _told_failed(job, run, hard_s, overrun_s, evidence)


def _told_failed(
    job: JobView,
    run: Run,
    hard_s: float | None,
    overrun_s: float,
    evidence: tuple[int, ...],
) -> Verdict:
    """Look at what the user was told, and when, after an orderly stop."""
    due_t = float("inf") if hard_s is None else run.start.t + hard_s
    ending = next(iter(job.terminals), None)
    expected = f"failed, reason soft_time_limit, before {due_t:.2f} s"
    if ending is None and job.history.watched_until_s < due_t:
        return inconclusive(
            "Watching stopped before the ending was due.",
            expected=expected,
            observed=job.told,
            evidence=evidence,
            job=job.id,
            due_t=due_t,
        )
    fits = _failed_by(ending, "soft_time_limit")
    if ending is None or not fits or ending.t > due_t:
        return violated(
            "The user was not told 'failed by the soft limit' in time.",
            expected=expected,
            observed=job.told,
            evidence=(*evidence, *((ending.line,) if ending else ())),
            job=job.id,
            timed=ending is None or fits,
        )
    return holds(
        f"Stopped {overrun_s:.2f} s after the limit, cleaned up, and said so.",
        evidence=(*evidence, ending.line),
        measured={"soft_grace_s": overrun_s},
        job=job.id,
    )


@contract(
    id="time_limit.hard-limit-kills",
    code="TIME-002",
    claim="At the hard limit the job's process is gone, its user is told, and a fresh "
    "process takes the next job",
    user_sees="one stuck job that holds up everybody's, for ever",
    likely="no hard limit travels with the message, or it is enforced inside the very "
    "process that is stuck",
    source="Celery manual, workers guide, time limits; measured: the process is gone "
    "0.1 s after the limit, its slot free again up to 5 s later",
    needs=("worker", "job"),
    bounds={
        "kill_s": Bound(2.0, "s", "from the limit to the process's end; typical 0.2"),
        "told_s": Bound(16.0, "s", "from then to the user's ending; typical 0.1-5"),
        "t_rec_s": Bound(10.0, "s", "from then to the next job's start; typical 0.5-5"),
    },
)
def hard_limit_kills(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at every run that was still there at its hard limit."""
    return merge(
        (
            _killed(job, run, bounds)
            for job in history.jobs
            for run in job.runs
            if _reached_hard_limit(job, run)
        ),
        nothing="No run was still there at its hard limit.",
    )


def _reached_hard_limit(job: JobView, run: Run) -> bool:
    hard_s = job.limits[1]
    if hard_s is None or run.killed is not None:
        return False
    if any(end.get("how") == "hard_time_limit" for end in run.ends):
        return True
    limit_t = run.start.t + hard_s
    if any(c.t < limit_t for c in job.cancels):
        return False
    until_t = min((end.t for end in run.ends), default=job.history.watched_until_s)
    return until_t > limit_t


def _killed(job: JobView, run: Run, bounds: Mapping[str, float]) -> Verdict:
    limit_t = run.start.t + (job.limits[1] or 0.0)
    due_t = limit_t + bounds["kill_s"]
    expected = f"process {run.pid} gone before {due_t:.2f} s; limit at {limit_t:.2f} s"
    seen = job.sightings(run)
    gone = next((o for o in seen if o.name == "probe.gone"), None)
    lived = [o for o in seen if o.name != "probe.gone" and o.t > due_t]
    if lived or (gone is not None and gone.t > due_t):
        last = lived[-1] if lived else gone
        assert last is not None
        return violated(
            "The process outlived the hard limit.",
            expected=expected,
            observed=f"{last.name} at {last.t:.2f} s, {last.t - limit_t:.2f} s late",
            evidence=(run.start.line, last.line),
            job=job.id,
            timed=not lived,
        )
    if gone is None:
        return inconclusive(
            f"Nobody saw process {run.pid} go, nor live on.",
            expected=expected,
            observed="no observation of it after the limit",
            evidence=(run.start.line,),
            job=job.id,
        )
    overrun_s = max(0.0, gone.t - limit_t)
    return _told_by_limit(job, run, gone, bounds["told_s"]) or _next_starts(
        job, run, gone, overrun_s, bounds["t_rec_s"]
    )


def _told_by_limit(
    job: JobView, run: Run, gone: Observation, told_s: float
) -> Verdict | None:
    """Return a verdict where user or worker were not told, or wrongly, else None."""
    ending, due_t = next(iter(job.terminals), None), gone.t + told_s
    reported = run.parent_end.get("how") if run.parent_end else None
    evidence = (run.start.line, gone.line)
    if job.subscribers and (ending is None or ending.t > due_t):
        late = ending is not None or job.history.watched_until_s >= due_t
        return (violated if late else inconclusive)(
            "The process is gone, but the user was not told in time."
            if late
            else "The process is gone, but the user's ending was not seen yet.",
            expected=f"failed, reason hard_time_limit, before {due_t:.2f} s",
            observed=job.told,
            evidence=evidence,
            job=job.id,
            timed=late,
            due_t=None if late else due_t,
        )
    if _failed_by(ending, "hard_time_limit"):
        return None
    if ending is None and reported == "hard_time_limit":
        return None
    return violated(
        "The process was killed at its hard limit, but that is not what was said.",
        expected="failed, reason hard_time_limit",
        observed=job.told if ending else f"the worker reports {reported}",
        evidence=(*evidence, *((ending.line,) if ending else ())),
        job=job.id,
    )


def _next_starts(
    job: JobView, run: Run, gone: Observation, overrun_s: float, t_rec_s: float
) -> Verdict:
    """Look for the job that waited behind the killed one."""
    measured = {"kill_s": overrun_s}
    waiting = [
        other
        for other in job.history.jobs
        if other.id != job.id
        and other.submitted is not None
        and other.submitted.t <= gone.t
        and not any(r.start.t < gone.t for r in other.runs)
    ]
    starts = [r for o in waiting for r in o.runs if not r.in_process_of(run)]
    first = min(starts, key=lambda r: r.start.t, default=None)
    due_t = gone.t + t_rec_s
    expected = f"a waiting job starts in another process before {due_t:.2f} s"
    if first is None and (not waiting or job.history.watched_until_s < due_t):
        return inconclusive(
            "Killed in time, but no job was seen to take over its place.",
            expected=expected,
            observed=f"{len(waiting)} jobs waited, none started",
            evidence=(gone.line,),
            job=job.id,
            due_t=due_t if waiting else None,
        )
    if first is None or first.start.t > due_t:
        return violated(
            "The stuck job was killed, but its place stayed empty.",
            expected=expected,
            observed=f"started at {first.start.t:.2f} s" if first else "never started",
            evidence=(gone.line, *((first.start.line,) if first else ())),
            measured=measured,
            job=job.id,
            timed=True,
        )
    took_s = first.start.t - gone.t
    return holds(
        f"Gone {overrun_s:.2f} s after the limit; the next job started {took_s:.2f} s "
        "later in another process.",
        evidence=(run.start.line, gone.line, first.start.line),
        measured={**measured, "t_rec_s": took_s},
        job=job.id,
    )


def _failed_by(ending: Observation | None, limit: str) -> bool:
    return bool(ending and ending["event"] == "failed" and ending["reason"] == limit)
