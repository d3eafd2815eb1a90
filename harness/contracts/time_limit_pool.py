"""Laws about the limits of the pool, as deployed; they ask nothing of a user's job."""

from collections.abc import Mapping

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.job_view import JobView, Run
from harness.verdict import Verdict, holds, inconclusive, merge, violated

#: Ends by which a limit shows that it was enforced.
LIMITS = ("soft_time_limit", "hard_time_limit")


@contract(
    id="time_limit.deployed-pool-enforces",
    code="TIME-003",
    claim="The worker, started as it is deployed, ends a task that exceeds its limits",
    user_sees="a time limit in the settings, and jobs that run for hours all the same",
    likely="the pool ignores limits: solo and threads do, gevent does while it blocks",
    source="Celery manual, workers guide, time limits; celery#8395, celery#9203; "
    "measured: SUCCESS after twice the limit on solo, no warning",
    needs=("app", "worker"),
    bounds={
        "kill_s": Bound(2.0, "s", "from the hard limit to the task's end; typical 0.2"),
        "notice_s": Bound(6.0, "s", "until the worker notices a killed child, at most"),
    },
)
def deployed_pool_enforces(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at each task that was sent with limits."""
    return merge(
        (
            _enforced(job, bounds)
            for job in history.jobs
            if job.submitted is not None
            and job.submitted.name == "send.accepted"
            and job.limits[1] is not None
        ),
        nothing="No task was sent with a hard limit.",
    )


def _enforced(job: JobView, bounds: Mapping[str, float]) -> Verdict:
    hard_s = job.limits[1] or 0.0
    if not job.runs:
        return inconclusive(
            "The task never started.",
            expected="a start in the ledger",
            observed=f"none until {job.history.watched_until_s:.2f} s",
            job=job.id,
        )
    run = job.runs[-1]
    # A hard limit asks the child to leave first: both tell of the same end.
    by_limit = [end for end in run.ends if end.get("how") in LIMITS]
    end = next(iter(by_limit or run.ends), None)
    limit_t = run.start.t + hard_s
    due_t = limit_t + bounds["kill_s"] + bounds["notice_s"]
    expected = f"ended by a limit, at the latest {hard_s:g} s after its start"
    if end is None:
        over = job.history.watched_until_s > due_t
        verdict = violated if over else inconclusive
        return verdict(
            "The task has no end.",
            expected=expected,
            observed=f"no end until {job.history.watched_until_s:.2f} s",
            evidence=(run.start.line,),
            job=job.id,
            timed=over,
            due_t=due_t,
        )
    lasted_s = end.t - run.start.t
    observed = f"{end.get('how')} after {lasted_s:.2f} s"
    evidence = (run.start.line, end.line)
    # A kill is reported by the main process, which may take a while to notice.
    noticed_s = bounds["notice_s"] if end.get("role") == "parent" else 0.0
    late = lasted_s > hard_s + bounds["kill_s"] + noticed_s
    if by_limit and not late:
        return holds(
            f"Ended by its {str(end['how']).replace('_', ' ')} after {lasted_s:.2f} s.",
            evidence=evidence,
            measured={"kill_s": max(0.0, lasted_s - hard_s)},
            job=job.id,
        )
    if late or (lasted_s > hard_s and end.get("how") == "success"):
        return violated(
            f"The limits of {hard_s:g} s were ignored: {observed}.",
            expected=expected,
            observed=observed,
            evidence=evidence,
            job=job.id,
            timed=bool(by_limit),
        )
    return inconclusive(
        "The task ended before its limit, or by something else.",
        expected=expected,
        observed=observed,
        evidence=evidence,
        job=job.id,
    )


#: The probe task that executes no bytecode: no signal handler runs before it returns.
NATIVE = "queueproof.native"


@contract(
    id="time_limit.native-code-is-killed",
    code="TIME-005",
    claim="Work stuck in native code, where no signal handler runs, ends at its hard "
    "limit: its process is gone, and the worker says why",
    user_sees="a job in one endless call of a library: no limit, no cancel, and the "
    "place of the next job taken until somebody restarts the worker",
    likely="only a soft limit is set; or the pool runs jobs in threads, which nothing "
    "can kill",
    source="Celery manual, workers guide, time limits; celery#1958; measured: in one "
    "PBKDF2 call the soft limit never surfaced, the hard one ended it",
    needs=("app", "worker"),
    bounds={
        "kill_s": Bound(2.0, "s", "from the limit to the process's end; typical 0.2"),
        "notice_s": Bound(6.0, "s", "until the worker reports a killed child, at most"),
    },
)
def native_code_is_killed(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at each task that was sent to stay in native code past its hard limit."""
    return merge(
        (
            _stuck(job, bounds)
            for job in history.jobs
            if job.submitted is not None
            and job.submitted.get("task") == NATIVE
            and job.limits[1] is not None
        ),
        nothing="No task was sent to native code with a hard limit.",
    )


def _stuck(job: JobView, bounds: Mapping[str, float]) -> Verdict:
    until_s = job.history.watched_until_s
    if not job.runs or job.faults or job.cancels:
        return inconclusive(
            "The task did not start, or something else ended it.",
            expected="a start in the ledger, no damage and no cancel",
            observed=f"{len(job.runs)} starts, {len(job.faults)} faults, "
            f"{len(job.cancels)} cancels until {until_s:.2f} s",
            job=job.id,
        )
    run = job.runs[0]
    limit_t = run.start.t + (job.limits[1] or 0.0)
    due_t = limit_t + bounds["kill_s"]
    expected = f"process {run.pid} gone before {due_t:.2f} s; limit at {limit_t:.2f} s"
    told = next((end for end in run.ends if end.get("role") != "parent"), None)
    gone = next((o for o in job.sightings(run) if o.name == "probe.gone"), None)
    if told is not None:
        # Python ran again: the call returned, whatever was said then.
        late = told.t > due_t
        return (violated if late else inconclusive)(
            "The native call ran to its end, past the hard limit."
            if late
            else "The task was not stuck long enough to meet its hard limit.",
            expected=expected,
            observed=f"{told.get('how')} at {told.t:.2f} s",
            evidence=(run.start.line, told.line),
            job=job.id,
        )
    if gone is None or gone.t > due_t:
        late = gone is not None or until_s >= due_t
        return (violated if late else inconclusive)(
            "The process outlived the hard limit."
            if late
            else "Watching stopped before the process was due to go.",
            expected=expected,
            observed=f"gone at {gone.t:.2f} s"
            if gone
            else f"not gone until {until_s:.2f} s",
            evidence=(run.start.line, *((gone.line,) if gone else ())),
            job=job.id,
            timed=late,
            due_t=None if late else due_t,
        )
    return _reported(job, run, gone, max(0.0, gone.t - limit_t), bounds["notice_s"])


def _reported(
    job: JobView, run: Run, gone: Observation, kill_s: float, notice_s: float
) -> Verdict:
    """Look at what the worker's main process said about the killed child."""
    due_t = gone.t + notice_s
    said = run.parent_end
    expected = f"the worker reports hard_time_limit before {due_t:.2f} s"
    evidence = (run.start.line, gone.line, *((said.line,) if said else ()))
    if said is None and job.history.watched_until_s < due_t:
        return inconclusive(
            "The process is gone; watching stopped before the report was due.",
            expected=expected,
            observed=f"no report until {job.history.watched_until_s:.2f} s",
            evidence=evidence,
            job=job.id,
            due_t=due_t,
        )
    by_limit = said is not None and said.get("how") == "hard_time_limit"
    if said is None or not by_limit or said.t > due_t:
        return violated(
            "The process is gone, but the worker did not say that its limit ended it.",
            expected=expected,
            observed=f"{said.get('how')} at {said.t:.2f} s" if said else "no report",
            evidence=evidence,
            job=job.id,
            timed=said is None or by_limit,
        )
    return holds(
        f"Gone {kill_s:.2f} s after the hard limit, and reported as that.",
        evidence=evidence,
        measured={"kill_s": kill_s, "notice_s": max(0.0, said.t - gone.t)},
        job=job.id,
    )
