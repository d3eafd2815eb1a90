"""The law about a job that is cancelled before its turn comes."""

from collections.abc import Mapping

from harness.cancel_view import begun_t, cancels, first_behind, starts
from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.job_view import JobView
from harness.verdict import Verdict, holds, inconclusive, merge, violated


@contract(
    id="cancel.queued-never-starts",
    code="CANC-003",
    claim="A job that is cancelled while it waits never starts",
    user_sees="a cancelled job that runs all the same, and costs what it costs",
    likely="the cancel changes what the user sees and not what the worker does; or a "
    "revoke, which a worker keeps in memory only, and a restart before the job's turn",
    source="Celery manual, workers guide, revoke; measured on 5.7: without --statedb a "
    "restarted worker runs a revoked task, and its SUCCESS overwrites REVOKED",
    needs=("app", "worker"),
    bounds={
        "quiet_s": Bound(2.0, "s", "watching after a later job began; slots differ")
    },
)
def queued_never_starts(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at every job that was cancelled before it started."""
    return merge(
        (
            _stayed(job, cancel, bounds["quiet_s"])
            for job in history.jobs
            for cancel in cancels(job)[:1]
            if not any(begun_t(job, start) <= cancel.t for start in starts(job))
        ),
        nothing="No job was cancelled while it waited.",
    )


def _stayed(job: JobView, cancel: Observation, quiet_s: float) -> Verdict:
    expected = f"no start after the cancel at {cancel.t:.2f} s"
    started = starts(job)
    if started:
        return violated(
            "A job that was cancelled while it waited was started.",
            expected=expected,
            observed=f"started at {started[0].t:.2f} s",
            evidence=(cancel.line, started[0].line),
            job=job.id,
        )
    behind = first_behind(job, cancel.t)
    if behind is None:
        return inconclusive(
            "The cancelled job's turn never came.",
            expected=f"{expected}, though a later job starts",
            observed=f"no later job started until {job.history.watched_until_s:.2f} s",
            evidence=(cancel.line,),
            job=job.id,
        )
    due_t = behind.t + quiet_s
    if job.history.watched_until_s < due_t:
        return inconclusive(
            "Watching stopped soon after the job's turn had come.",
            expected=f"{expected}, until {due_t:.2f} s",
            observed=f"watched until {job.history.watched_until_s:.2f} s",
            evidence=(cancel.line, behind.line),
            job=job.id,
            due_t=due_t,
        )
    return holds(
        "A later job began, the cancelled one did not.",
        evidence=(cancel.line, behind.line),
        job=job.id,
    )
