"""The law about faults that pass: how often a job is tried again, and when."""

from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise

from harness.contract import Bound, contract
from harness.contracts.retry import BEFORE_S
from harness.history import History, Observation
from harness.job_view import TERMINAL, JobView, Run
from harness.verdict import Verdict, holds, inconclusive, merge, violated

#: Seconds by which a start may seem to come before its time: a line in the journal.
EARLY_S = 0.1

#: Pauses this near to each other, in seconds, were not drawn: of two drawn from 0.2 s
#: one pair in a hundred is, and all pairs of two jobs have to be.
APART_S = 0.001


@contract(
    id="retry.transient-errors-are-retried",
    code="RETRY-001",
    claim="A job that meets a fault that passes is tried again, later and later and "
    "not in step with others, as often as declared, and then it ends",
    user_sees="a job that fails because something was away for a second; or a service "
    "that cannot come back, since all jobs knock at its door together",
    likely="a fixed countdown, or max_retries=None; or errors that pass are not told "
    "from those that do not",
    source="Celery manual, tasks guide, retry_backoff and retry_jitter",
    needs=("api", "job", "journal"),
    bounds={
        "late_s": Bound(10.0, "s", "from a pause's end to the start; typical 0.6"),
        "t_term_s": Bound(10.0, "s", "from the last end to an ending; typical < 1"),
        "growth": Bound(1.5, "times", "first to last of 3 pauses; doubling gives 2"),
    },
)
def transient_errors_are_retried(
    history: History, bounds: Mapping[str, float]
) -> Verdict:
    """Look at every job that met a fault that passes."""
    met = [job for job in history.jobs if any(_passed(job, run) for run in job.runs)]
    return merge(
        (
            *(_in_step(jobs) for jobs in [met] if len(met) > 1),
            *(verdict for job in met for verdict in _one_job(job, bounds)),
        ),
        nothing="No job met a fault that passes.",
    )


def _passed(job: JobView, run: Run) -> bool:
    return run.error is not None and run.error in job.retries[1]


def _one_job(job: JobView, bounds: Mapping[str, float]) -> list[Verdict]:
    found = [
        _too_often(job),
        _pauses_grow(job, bounds["growth"]),
        *(_in_time(job, *two, bounds) for two in pairwise(job.runs)),
    ]
    wrong = [verdict for verdict in found if verdict is not None]
    return wrong or [_ended(job, job.runs[-1], bounds)]


def _too_often(job: JobView) -> Verdict | None:
    starts, allowed = [run.start for run in job.runs], _allowed(job)
    if len(starts) <= allowed:
        return None
    return violated(
        f"A job was tried {len(starts)} times.",
        expected=f"at most {allowed} times, as declared",
        observed=", ".join(f"{start.t:.2f} s" for start in starts),
        evidence=tuple(start.line for start in starts),
        job=job.id,
    )


def _allowed(job: JobView) -> int:
    lost = sum(run.killed is not None for run in job.runs)
    return 1 + job.retries[0] + lost


def _pauses(job: JobView) -> list[float]:
    """Return the pauses after faults that pass, as told, else as they were kept."""
    found = []
    for run, following in pairwise(job.runs):
        if _passed(job, run) and run.end is not None:
            kept_s = following.start.t - run.end.t
            told_s = _told_s(run)
            found.append(kept_s if told_s is None else told_s)
    return found


def _told_s(run: Run) -> float | None:
    told = [mark["again_s"] for mark in run.marks if mark.get("again_s") is not None]
    return float(told[-1]) if told else None


def _in_time(
    job: JobView, run: Run, following: Run, bounds: Mapping[str, float]
) -> Verdict | None:
    """Return a verdict on a pause that was not kept, None where it was."""
    told_s = _told_s(run)
    if run.end is None or told_s is None or not _passed(job, run):
        return None
    due_t, start = run.end.t + told_s, following.start
    early = start.t < due_t - EARLY_S
    if not early and start.t <= due_t + bounds["late_s"]:
        return None
    return violated(
        f"A job was tried again {'before' if early else 'long after'} its time.",
        expected=f"a start {told_s:.2f} s after {run.end.t:.2f} s, up to "
        f"{bounds['late_s']:g} s later",
        observed=f"started at {start.t:.2f} s",
        evidence=(run.end.line, start.line),
        job=job.id,
        timed=not early,
    )


def _pauses_grow(job: JobView, growth: float) -> Verdict | None:
    """Return a verdict on pauses that do not grow, None where they do, or are few."""
    pauses = _pauses(job)
    falls = any(later < earlier for earlier, later in pairwise(pauses))
    flat = len(pauses) > 2 and pauses[-1] < growth * pauses[0]
    if not falls and not flat:
        return None
    return violated(
        "The pauses before a job's next tries did not grow.",
        expected=f"each longer than the one before, the last {growth:g} x the first",
        observed=", ".join(f"{pause:.2f} s" for pause in pauses),
        evidence=tuple(run.start.line for run in job.runs),
        job=job.id,
    )


def _in_step(jobs: Sequence[JobView]) -> Verdict:
    """Compare the pauses of jobs that failed: no two should wait equally long."""
    for one, other in combinations(jobs, 2):
        both = list(zip(_pauses(one), _pauses(other), strict=False))
        evidence = tuple(run.start.line for job in (one, other) for run in job.runs)
        told = "; ".join(f"{a:.3f} s and {b:.3f} s" for a, b in both)
        if both and all(abs(a - b) < APART_S for a, b in both):
            return violated(
                "Two jobs waited equally long each time: they come together again.",
                expected="pauses that are drawn for each job",
                observed=told,
                evidence=evidence,
                job=other.id,
            )
    return holds("No two jobs waited equally long.")


def _ended(job: JobView, last: Run, bounds: Mapping[str, float]) -> Verdict:
    """Judge how it went on, or ended, after the last run that was seen."""
    # Whether a lost try counts is the application's to say.
    tried, due, end = len(job.runs), 1 + job.retries[0], last.end
    if end is None:
        return _unseen(job, last.start, f"the end of run {tried}", None)
    ending = _ending(job, end.t)
    if _passed(job, last) and tried < due:
        due_t = end.t + (_told_s(last) or 0.0) + bounds["late_s"]
        gave_up = ending is not None
        if gave_up or job.history.watched_until_s >= due_t:
            return violated(
                f"A job was given up after {tried} of {due} tries.",
                expected=f"another start before {due_t:.2f} s",
                observed=f"{ending['state']} at {ending.t:.2f} s" if ending else "none",
                evidence=(end.line, *((ending.line,) if ending else ())),
                job=job.id,
                timed=not gave_up,
            )
        return _unseen(job, end, f"the start after run {tried}", due_t)
    wanted = "completed" if last.succeeded else "failed"
    due_t = end.t + bounds["t_term_s"]
    if ending is None and job.history.watched_until_s < due_t:
        return _unseen(job, end, "its ending", due_t)
    if ending is None or ending["state"] != wanted:
        return violated(
            f"After {tried} tries the job did not end as {wanted}.",
            expected=f"{wanted} before {due_t:.2f} s",
            observed=f"{ending['state']} at {ending.t:.2f} s" if ending else "none",
            evidence=(end.line, *((ending.line,) if ending else ())),
            job=job.id,
            timed=ending is None,
        )
    pauses = ", ".join(f"{pause:.2f}" for pause in _pauses(job))
    return holds(
        f"Tried {tried} times with pauses of {pauses or 'no'} s, then {wanted}.",
        evidence=(end.line, ending.line),
        job=job.id,
    )


def _unseen(job: JobView, last: Observation, what: str, due_t: float | None) -> Verdict:
    return inconclusive(
        f"Watching stopped before {what}.",
        expected=what,
        observed=f"watched until {job.history.watched_until_s:.2f} s",
        evidence=(last.line,),
        job=job.id,
        due_t=due_t,
    )


def _ending(job: JobView, since_t: float) -> Observation | None:
    """Return the first answer that the job has ended, not before its last run's end."""
    told = (s for s in job.statuses if s.get("state") in TERMINAL)
    after = (s for s in told if s.t >= since_t - BEFORE_S)
    return min(after, key=lambda s: s.t, default=None)
