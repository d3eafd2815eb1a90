"""Laws about messages that a worker holds for longer than the broker waits."""

from collections.abc import Mapping
from typing import Any

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.job_view import JobView, Run
from harness.verdict import Verdict, holds, inconclusive, merge, violated

#: How an execution ends that a guard of the application refused before it did a thing.
_REFUSED = ("ignored", "rejected")

_QUIET = Bound(2.0, "s", "watching after the last run; a copy starts within 0.1")


@contract(
    id="delivery.long-job-runs-once",
    code="EXEC-001",
    claim="A job that acknowledges late is executed once, however long it legally "
    "takes: its message does not come back while it runs",
    user_sees="a long job that starts again while it runs, and once more after that: "
    "double results, double cost",
    likely="a visibility timeout (an hour, if nothing is said) below the hard time "
    "limit, or no hard time limit at all",
    source="Celery manual, Redis broker, visibility timeout; celery#5935, pretix#2058; "
    "measured on 5.7: 5 starts in 20 s of an 8 s task with a timeout of 3 s",
    needs=("app", "worker"),
    bounds={"quiet_s": _QUIET},
)
def long_job_runs_once(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at every job whose message grew old while the job ran."""
    # Read first: where the harness stalled, a message grew older than it legally may.
    quiet_s = bounds["quiet_s"]
    return merge(
        (
            executed_again(job, fault)
            or nobody_looked(job, fault, runs[0].end)
            or all_over(job, quiet_s)
            for job, fault in aged_jobs(history)
            if (runs := executions(job)) and runs[0].start.t <= fault.t
        ),
        nothing="No running job's message grew old.",
    )


@contract(
    id="delivery.reserved-runs-once",
    code="EXEC-002",
    claim="A job that waits behind a running one is executed once, also when a worker "
    "has reserved its message, whenever that is acknowledged",
    user_sees="jobs that were done and are done again, whenever one before them took "
    "long",
    likely="worker_prefetch_multiplier above 1 (4, if nothing is said) and a "
    "visibility timeout below that many of the longest jobs",
    source="Celery manual, Redis broker, visibility timeout; measured on 5.7: 6 starts "
    "of 4 jobs with early ack, prefetch 4 and a timeout of 4 s",
    needs=("app", "worker"),
    bounds={"quiet_s": _QUIET},
)
def reserved_runs_once(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at every job that was seen to wait, in a worker or in the broker."""
    quiet_s = bounds["quiet_s"]
    aged = {job.id: fault for job, fault in aged_jobs(history)}
    return merge(
        (
            executed_again(job, aged.get(job.id))
            or _never_at_risk(job, looked[-1], aged.get(job.id))
            or all_over(job, quiet_s)
            for job in history.jobs
            if (looked := job.named("probe.held"))
            and not any(run.start.t <= looked[-1].t for run in job.runs)
        ),
        nothing="No job was seen to wait behind a running one.",
    )


def aged_jobs(history: History) -> list[tuple[JobView, Observation]]:
    """Return the jobs whose message grew old, each with the fault that did it."""
    return [
        (history.job(fault.job), fault)
        for fault in history.of(source="fault", kind="injected")
        if fault.get("fault") == "age" and fault.get("bit") and fault.job
    ]


def executions(job: JobView) -> list[Run]:
    """Return the runs that an application's guard did not refuse."""
    return [run for run in job.runs if run.how not in _REFUSED]


def executed_again(job: JobView, fault: Observation | None) -> Verdict | None:
    """Return a verdict on a second execution, None where there is none."""
    runs = executions(job)
    if len(runs) < 2:
        return None
    first, again = runs[:2]
    open_then = first.end is None or again.start.t < first.end.t
    told: dict[str, Any] = {
        "expected": f"1 execution{_aged_to(fault)}",
        "observed": f"{len(runs)} executions, the first from "
        f"{_at(first.start)} to {_at(first.end)}, the second from {_at(again.start)}",
        "evidence": _lines(first.start, fault, again.start),
        "job": job.id,
    }
    if not open_then and not first.succeeded:
        return inconclusive(
            f"The job was executed again because it had ended as {first.how}.", **told
        )
    when = "while it ran" if open_then else "after it had succeeded"
    return violated(f"A job was executed again {when}.", timed=True, **told)


def _never_at_risk(
    job: JobView, looked: Observation, fault: Observation | None
) -> Verdict | None:
    """Return why a job that waited was not in danger, None where it was, or need not.

    In the broker nothing runs out: there is no danger, and no need of any.
    """
    if not looked.get("held"):
        return None
    if fault is None:
        return inconclusive(
            "A worker had reserved the message, and it never grew old.",
            expected="a reserved message as old as it may legally get",
            observed=f"reserved at {_at(looked)}",
            evidence=(looked.line,),
            job=job.id,
        )
    runs = executions(job)
    return nobody_looked(job, fault, runs[0].start if runs else None)


def nobody_looked(
    job: JobView, fault: Observation, until: Observation | None
) -> Verdict | None:
    """Return a verdict where nobody looked for old messages while this one was old."""
    swept = next((o for o in job.named("probe.swept") if o.t >= fault.t), None)
    if swept is not None and (until is None or swept.t <= until.t):
        return None
    return inconclusive(
        "No worker looked for old messages while this one was old.",
        expected=f"a look after {_at(fault)}, while it was held",
        observed=f"held until {_at(until)}; a look at {_at(swept)}",
        evidence=_lines(fault, swept, until),
        job=job.id,
    )


def all_over(job: JobView, quiet_s: float) -> Verdict:
    """Hold when the job, and all others, are over since `quiet_s`."""
    runs = [run for other in job.history.jobs for run in other.runs]
    mine = next(iter(executions(job)), None)
    evidence = _lines(
        *job.named("probe.held")[-1:],
        *(o for o in job.named("fault.injected")),
        *job.named("probe.swept")[:1],
        mine.start if mine else None,
        mine.end if mine else None,
    )
    if mine is None or not mine.succeeded or any(run.end is None for run in runs):
        return inconclusive(
            "Not everything came to its end, so a second execution may follow.",
            expected="a successful end of this job, and an end of all others",
            observed=f"this one: {mine.how if mine else 'never started'}; "
            f"{sum(run.end is None for run in runs)} still run",
            evidence=evidence,
            job=job.id,
        )
    over_t = max(run.end.t for run in runs if run.end is not None)
    if job.history.watched_until_s < over_t + quiet_s:
        return inconclusive(
            "Watching stopped before a copy of the message could have been executed.",
            expected=f"{quiet_s:g} s of watching after {over_t:.2f} s",
            observed=f"watched until {job.history.watched_until_s:.2f} s",
            evidence=evidence,
            job=job.id,
            due_t=over_t + quiet_s,
        )
    fault = next(iter(job.named("fault.injected")), None)
    return holds(
        f"Executed once{_aged_to(fault)}.",
        evidence=evidence,
        job=job.id,
    )


def _aged_to(fault: Observation | None) -> str:
    if fault is None:
        return ""
    why = f" ({fault['why']})" if fault.get("why") else ""
    return f", its message held for {fault['to_s']:g} s{why}"


def _at(observation: Observation | None) -> str:
    return f"{observation.t:.2f} s" if observation else "no time"


def _lines(*observations: Observation | None) -> tuple[int, ...]:
    return tuple(o.line for o in observations if o is not None)
