"""Laws about a worker that is asked to leave, as at every deployment."""

from collections.abc import Mapping

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.job_view import JobView, Run
from harness.observation import same_process
from harness.verdict import Verdict, holds, inconclusive, merge, violated

#: Ends that a job has of its own, whatever becomes of its worker.
_OWN_ENDS = ("soft_time_limit", "hard_time_limit", "cancelled", "revoked")


@contract(
    id="shutdown.loses-no-job",
    code="SHUT-001",
    claim="A worker that gets SIGTERM leaves within its grace period, and the jobs "
    "that ran or waited then are done, by it or by the next worker",
    user_sees="a job that fails, or never ends, whenever a new version is deployed",
    likely="SIGTERM reaches a worker that shuts down cold and had acknowledged its job "
    "already; or a grace period shorter than a job, and SIGKILL after it",
    source="Celery manual, workers guide, stopping the worker; measured on 5.7: cold "
    "shutdown with early ack leaves state RETRY, and nothing ever runs the task again",
    needs=("app", "worker"),
    bounds={
        "grace_s": Bound(30.0, "s", "from SIGTERM to exit: Kubernetes' default"),
        "t_rec_s": Bound(30.0, "s", "from exit to each job's end; typical 6-12, boot"),
    },
)
def loses_no_job(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at every SIGTERM to the worker, and at the jobs that were not ended then."""
    return merge(
        (
            _survived(history, fault, bounds)
            for fault in history.of(source="fault", kind="injected")
            if fault.get("fault") == "terminate" and _role(fault) == "worker"
        ),
        nothing="No worker was asked to leave.",
    )


def _role(fault: Observation) -> str | None:
    return (fault.get("victim") or {}).get("role")


def _survived(
    history: History, fault: Observation, bounds: Mapping[str, float]
) -> Verdict:
    due_t = fault.t + bounds["grace_s"]
    victim = fault["victim"]
    pid = victim.get("pid")
    exits = history.of(source="stack", kind="exited")
    exited = next((o for o in exits if same_process(o, victim)), None)
    if exited is None or exited.t > due_t:
        late = exited is not None or history.watched_until_s >= due_t
        return (violated if late else inconclusive)(
            "The worker did not leave within its grace period."
            if late
            else "Watching stopped before the grace period was over.",
            expected=f"worker {pid} exits before {due_t:.2f} s",
            observed=f"exit at {exited.t:.2f} s" if exited else "no exit",
            evidence=(fault.line, *((exited.line,) if exited else ())),
            timed=late,
            due_t=None if late else due_t,
        )
    jobs = [job for job in history.jobs if _in_flight(job, fault.t)]
    running = [job for job in jobs if any(r.start.t <= fault.t for r in job.runs)]
    if not running or len(running) == len(jobs):
        return inconclusive(
            "There was little to lose when the worker was asked to leave.",
            expected="at least one job that runs and one that waits",
            observed=f"{len(running)} ran, {len(jobs) - len(running)} waited",
            evidence=(fault.line,),
        )
    left_s = exited.t - fault.t
    return merge((_kept(job, exited, left_s, bounds) for job in jobs), nothing="")


def _in_flight(job: JobView, t: float) -> bool:
    """Return whether the job was there at `t` and had no end."""
    ends = [end.t for run in job.runs for end in run.ends]
    ends += [] if job.runs else [end.t for end in job.named("ledger.end")]
    return job.submitted is not None and job.submitted.t <= t < min(ends, default=t + 1)


def _kept(
    job: JobView, exited: Observation, left_s: float, bounds: Mapping[str, float]
) -> Verdict:
    due_t = exited.t + bounds["t_rec_s"]
    run = job.runs[-1] if job.runs else None
    expected = (
        f"run to its end before {due_t:.2f} s; the worker left at {exited.t:.2f} s"
    )
    evidence = tuple(end.line for end in (run.ends if run else ()))
    evidence = (exited.line, *((run.start.line,) if run else ()), *evidence)
    if run is not None and run.end is not None and run.succeeded and run.end.t <= due_t:
        took_s = max(0.0, run.end.t - exited.t)
        return holds(
            f"Done {took_s:.2f} s after the old worker had left.",
            evidence=evidence,
            measured={"grace_s": left_s, "t_rec_s": took_s},
            job=job.id,
        )
    observed = _told(job, run)
    if run is not None and any(end.get("how") in _OWN_ENDS for end in run.ends):
        return inconclusive(
            "The job came to an end of its own while the worker was leaving.",
            expected=expected,
            observed=observed,
            evidence=evidence,
            job=job.id,
        )
    if job.history.watched_until_s < due_t:
        return inconclusive(
            "Watching stopped before the job could have been run again.",
            expected=expected,
            observed=observed,
            evidence=evidence,
            job=job.id,
            due_t=due_t,
        )
    return violated(
        "A job that ran or waited when the worker was asked to leave is lost.",
        expected=expected,
        observed=observed,
        evidence=evidence,
        job=job.id,
        timed=True,
    )


def _told(job: JobView, run: Run | None) -> str:
    until = f"until {job.history.watched_until_s:.2f} s"
    if run is None:
        return f"never started {until}"
    attempts = f"{len(job.runs)} attempt" + ("s" if len(job.runs) > 1 else "")
    end = run.ends[0] if run.ends else None
    told = f"{end.get('how')} at {end.t:.2f} s" if end else f"no end {until}"
    return f"{attempts}, the last from {run.start.t:.2f} s: {told}"
