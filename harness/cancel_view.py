"""A cancel as a history shows it: when it was asked for, what ran, what was told."""

from harness.history import Observation
from harness.job_view import TERMINAL, JobView, Run
from harness.observation import same_process

#: The words by which a record says that a time limit ended a run.
LIMITS = ("soft_time_limit", "hard_time_limit")

#: The words for an end that somebody else brought about, by a flag or by a signal.
STOPPED = ("cancelled", "revoked", "terminated", "raised:SystemExit", "lost")


def cancels(job: JobView) -> list[Observation]:
    """Return the accepted cancels of a job, a user's and those by Celery's revoke."""
    return sorted((*job.cancels, *job.named("agent.revoked")), key=lambda o: o.t)


def asked_t(cancel: Observation) -> float:
    """Return when the user asked; what is recorded is when the answer was there."""
    return cancel.t - float(cancel.get("took_s") or 0.0)


def starts(job: JobView) -> list[Observation]:
    """Return when the job's function began.

    Where an application writes a journal it tells: a worker may well take the message
    of a cancelled job, and find that there is nothing to do.
    """
    of_a_user = job.submitted is not None and job.submitted.source == "driver"
    journals = of_a_user and bool(job.history.of(source="journal", kind="start"))
    return list(job.named("journal.start" if journals else "ledger.start"))


def begun_t(job: JobView, start: Observation) -> float:
    """Return when the process took the job up: its function begins a little later.

    Between the two the application notes that the job runs, and a cancel that comes
    then is one of a running job.
    """
    taken = [
        o.t
        for o in job.named("ledger.start")
        if same_process(o, start) and o.t <= start.t
    ]
    return max(taken, default=start.t)


def runs(job: JobView) -> list[Run]:
    """Return those executions in which the job's function began."""
    began = starts(job)
    return [run for run in job.runs if run.start in began]


def running(job: JobView, cancel: Observation) -> Run | None:
    """Return the execution that was under way when the cancel was asked for."""
    t = asked_t(cancel)
    for run in reversed(runs(job)):
        over = work_over(job, run)
        if begun_t(job, run.start) <= t and (over is None or over.t > t):
            return run
    return None


def own_end(run: Run) -> Observation | None:
    """Return its end as the process that ran it told; the main one may only guess."""
    return run.end if run.end is not run.parent_end else None


def gone(job: JobView, run: Run) -> Observation | None:
    """Return when a probe saw its process gone."""
    return next((o for o in job.sightings(run) if o.name == "probe.gone"), None)


def work_over(job: JobView, run: Run) -> Observation | None:
    """Return the first sign that its work was over: its own end, or its process's.

    What the worker's main process reports is none: a revoke is reported when the
    signal is sent, whatever the process makes of it.
    """
    signs = [o for o in (own_end(run), gone(job, run)) if o is not None]
    return min(signs, key=lambda o: o.t, default=None)


def endings(job: JobView) -> list[Observation]:
    """Return all that told a user how the job ended: events and answers, in order."""
    told = [e for e in job.events if e.get("event") in TERMINAL]
    told += [s for s in job.statuses if s.get("state") in TERMINAL]
    return sorted(told, key=lambda o: o.t)


def word(ending: Observation) -> str:
    """Return how the job ended, as an event or an answer says it."""
    return str(ending.get("event") or ending.get("state"))


def first_behind(job: JobView, t: float) -> Observation | None:
    """Return the first start after `t` of a job that was sent later than this one."""
    sent = job.submitted
    assert sent is not None
    began = [
        start
        for other in job.history.jobs
        if other.id != job.id and other.submitted and other.submitted.t >= sent.t
        for start in starts(other)
        if start.t > t
    ]
    return min(began, key=lambda start: start.t, default=None)
