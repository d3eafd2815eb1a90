"""The law about what is never tried again, and about how many tries there are."""

from collections.abc import Mapping

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.job_view import TERMINAL, JobView, Run
from harness.verdict import Verdict, holds, inconclusive, merge, violated

#: Ends after which nothing follows, besides errors that do not pass.
_FINAL = ("soft_time_limit", "hard_time_limit", "cancelled", "revoked")

#: Errors that are a process's way out: told to leave, or given up for a newer attempt.
_NO_ERRORS = ("SystemExit", "Superseded")

#: Seconds that an ending may be told before the last line about the run is written.
BEFORE_S = 0.5


@contract(
    id="retry.permanent-errors-are-not-retried",
    code="RETRY-002",
    claim="A job that failed for good, ran out of time or was cancelled is not started "
    "again, and no redelivery gives a job more tries than declared",
    user_sees="a job that fails again and again, and is paid for each time; or one "
    "that runs although it was cancelled",
    likely="one `except Exception: raise self.retry()` around everything: bugs and "
    "time-outs are tried again like a lost connection",
    source="Celery manual, tasks guide, retrying; measured on 5.7: with "
    "autoretry_for=(Exception,) a soft limit of 1 s ran three times",
    needs=("api", "job", "journal"),
    bounds={
        "t_term_s": Bound(10.0, "s", "from the last end to an ending; typical < 1"),
        "quiet_s": Bound(1.0, "s", "watching after the ending; 5x a start's way"),
    },
)
def permanent_errors_are_not_retried(
    history: History, bounds: Mapping[str, float]
) -> Verdict:
    """Look at every job that did not just succeed."""
    return merge(
        (
            _too_many(job) or _again(job) or _over(job, bounds)
            for job in history.jobs
            if _final(job) or any(not run.succeeded for run in job.runs)
        ),
        nothing="No job failed, ran out of time or was cancelled.",
    )


def _too_many(job: JobView) -> Verdict | None:
    """Return a verdict on more starts than declared, None where there are not."""
    retries, _ = job.retries
    lost = [run for run in job.runs if run.killed is not None]
    allowed = 1 + retries + len(lost)
    if len(job.runs) <= allowed:
        return None
    return violated(
        f"The job was started {len(job.runs)} times.",
        expected=f"at most {allowed} starts: the first, {retries} retries, and "
        f"{len(lost)} in place of those whose process was killed",
        observed=", ".join(f"{run.start.t:.2f} s" for run in job.runs),
        evidence=tuple(run.start.line for run in job.runs),
        job=job.id,
    )


def _again(job: JobView) -> Verdict | None:
    """Return a verdict on a start after what ended the job, None without one."""
    for end, what in _final(job):
        later = next((run for run in job.runs if run.start.t > end.t), None)
        if later is not None:
            return violated(
                f"The job was started again after {what}.",
                expected=f"no start after {end.t:.2f} s",
                observed=f"started at {later.start.t:.2f} s",
                evidence=(end.line, later.start.line),
                job=job.id,
            )
    return None


def _over(job: JobView, bounds: Mapping[str, float]) -> Verdict:
    """Hold when the job has its ending, and nothing followed it."""
    finals = _final(job)
    ends = [*(end for end, _ in finals), *(e for run in job.runs for e in run.ends)]
    last = max(ends, key=lambda end: end.t, default=None)
    last_t = last.t if last else max(run.start.t for run in job.runs)
    told = _ending(job, last_t)
    evidence = tuple(o.line for o in (last, told) if o)
    due_t = (told.t + bounds["quiet_s"]) if told else (last_t + bounds["t_term_s"])
    if told is None or job.history.watched_until_s < due_t:
        return inconclusive(
            "Nobody could see whether the job is tried again.",
            expected=f"an ending, and {bounds['quiet_s']:g} s of watching after it",
            observed=f"{f'an ending at {told.t:.2f} s' if told else 'no ending'}; "
            f"watched until {job.history.watched_until_s:.2f} s",
            evidence=evidence,
            job=job.id,
            due_t=due_t,
        )
    what = finals[-1][1] if finals else "a fault that did not pass in time"
    return holds(
        f"Started {len(job.runs)} times, and not after {what}.",
        evidence=evidence,
        job=job.id,
    )


def _final(job: JobView) -> list[tuple[Observation, str]]:
    """Return what may end the job for good, in the order of time."""
    found = [
        (cancel, "it was cancelled")
        for cancel in job.cancels
        if not any(_runs_at(run, cancel.t) for run in job.runs)
    ]
    for run in job.runs:
        end = next((e for e in run.ends if e.get("how") in _FINAL), None)
        if end is not None:
            found.append((end, f"it had ended as {end['how']}"))
        elif run.end and run.error and not _passes(job, run):
            found.append((run.end, f"it had failed with {run.error}"))
    return sorted(found, key=lambda pair: pair[0].t)


def _runs_at(run: Run, t: float) -> bool:
    return run.start.t <= t and (not run.ends or t <= max(end.t for end in run.ends))


def _passes(job: JobView, run: Run) -> bool:
    _, transient = job.retries
    return run.error in transient or run.error in _NO_ERRORS


def _ending(job: JobView, since_t: float) -> Observation | None:
    """Return where the job was first told to have ended, not before `since_t`."""
    told = (*job.terminals, *(s for s in job.statuses if s.get("state") in TERMINAL))
    after = (o for o in told if o.t >= since_t - BEFORE_S)
    return min(after, key=lambda o: o.t, default=None)
