"""The law about messages that wait in a worker until their time has come."""

from collections.abc import Mapping

from harness.contract import Bound, contract
from harness.contracts.delivery_visibility import (
    aged_jobs,
    all_over,
    executed_again,
    executions,
    nobody_looked,
)
from harness.history import History, Observation
from harness.job_view import JobView
from harness.verdict import Verdict, holds, inconclusive, merge, violated


@contract(
    id="retry.long-wait-runs-once",
    code="RETRY-003",
    claim="What waits for its time, a retry, a countdown or an ETA, is executed once, "
    "however long it waits",
    user_sees="a reminder that comes four times, or a payment that is tried by four "
    "workers at once",
    likely="a worker holds the message while it waits, and the visibility timeout is "
    "below the longest pause: `countdown=60 * 2 ** n`, and an hour",
    source="Celery manual, Redis broker, visibility timeout; measured on 5.7: a "
    "countdown of 10 s at a timeout of 3 s was executed four times, with early ack too",
    needs=("app", "worker"),
    bounds={
        "quiet_s": Bound(2.0, "s", "watching after the run; a copy starts at once")
    },
)
def long_wait_runs_once(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at every message that grew old before its time, and at every retry."""
    quiet_s = bounds["quiet_s"]
    aged = {
        job.id: fault
        for job, fault in aged_jobs(history)
        if not any(run.start.t <= fault.t for run in job.runs)
    }
    return merge(
        (
            *(_once(history.job(id), fault, quiet_s) for id, fault in aged.items()),
            *(
                verdict
                for job in history.jobs
                if job.id not in aged
                for verdict in _between_tries(job)
            ),
        ),
        nothing="Nothing was seen to wait for its time.",
    )


def _once(job: JobView, fault: Observation, quiet_s: float) -> Verdict:
    runs = executions(job)
    return (
        executed_again(job, fault)
        or nobody_looked(job, fault, runs[0].start if runs else None)
        or all_over(job, quiet_s)
    )


def _between_tries(job: JobView) -> list[Verdict]:
    """Judge the looks at a job's message while the job waited to be tried again."""
    return [
        _next_try(job, looked)
        for looked in job.named("probe.held")
        if any(run.end and run.end.t <= looked.t for run in job.runs)
    ]


def _next_try(job: JobView, looked: Observation) -> Verdict:
    if looked.get("held"):
        return inconclusive(
            "A worker held the message of a job's next try, and it never grew old.",
            expected="a message as old as it may get, or none",
            observed=f"held at {looked.t:.2f} s",
            evidence=(looked.line,),
            job=job.id,
        )
    runs = [run for run in executions(job) if run.start.t > looked.t]
    numbers = [run.start.get("attempt") for run in runs]
    twice = next((run for run in runs if numbers.count(run.start["attempt"]) > 1), None)
    if twice is not None:
        return violated(
            f"Try {twice.start['attempt']} of a job was executed more than once.",
            expected="each try once",
            observed=", ".join(f"try {number}" for number in numbers),
            evidence=tuple(run.start.line for run in runs),
            job=job.id,
        )
    if not runs:
        return inconclusive(
            "The job was not tried again after the look at its message.",
            expected=f"a start after {looked.t:.2f} s",
            observed=f"none until {job.history.watched_until_s:.2f} s",
            evidence=(looked.line,),
            job=job.id,
        )
    return holds(
        "It waited outside the broker, where no timeout runs, and was tried once.",
        evidence=(looked.line, runs[0].start.line),
        job=job.id,
    )
