"""Laws about how often a message is executed."""

from collections.abc import Mapping

from harness.contract import Bound, contract
from harness.history import History
from harness.job_view import JobView, Run
from harness.verdict import Verdict, holds, inconclusive, merge, violated


@contract(
    id="delivery.poison-is-bounded",
    code="EXEC-003",
    claim="A job that kills its process is tried a bounded number of times, its end is "
    "reported, and the job behind it runs",
    user_sees="one job that takes the whole queue down: it is run again and again, and "
    "everybody else's wait",
    likely="task_reject_on_worker_lost puts the message back each time; max_retries "
    "does not count that",
    source="Celery configuration reference, task_reject_on_worker_lost; celery "
    "PR#2840; measured on 5.7: 6 starts in 16 s, without end, also with max_retries=0",
    needs=("app", "worker"),
    bounds={
        "attempts": Bound(3.0, "times", "one and two more; 1 with early ack"),
        "t_rec_s": Bound(10.0, "s", "from death to report; Celery's timer takes 0-5"),
    },
)
def poison_is_bounded(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at every job whose process ended without a fault and without a word."""
    return merge(
        (
            _bounded(job, died, bounds)
            for job in history.jobs
            if (died := [run for run in job.runs if _died(job, run)])
        ),
        nothing="No job killed its own process.",
    )


def _died(job: JobView, run: Run) -> bool:
    """Return whether the process went in the middle of the run, by itself."""
    if run.killed is not None or job.faults or job.cancels:
        return False
    if any(end.get("how") == "lost" for end in run.ends):
        return True
    told = any(end.get("role") != "parent" for end in run.ends)
    return not told and _gone_t(job, run) is not None


def _gone_t(job: JobView, run: Run) -> float | None:
    gone = (o.t for o in job.sightings(run) if o.name == "probe.gone")
    return next(gone, None)


def _bounded(job: JobView, died: list[Run], bounds: Mapping[str, float]) -> Verdict:
    starts, last = len(job.runs), job.runs[-1]
    measured = {"attempts": float(starts)}
    evidence = tuple(run.start.line for run in job.runs)
    expected = f"at most {bounds['attempts']:g} starts, then a reported end"
    if starts > bounds["attempts"]:
        over_s = last.start.t - job.runs[0].start.t
        return violated(
            f"A job that kills its process was started {starts} times.",
            expected=expected,
            observed=f"{starts} starts in {over_s:.2f} s, {len(died)} processes lost",
            evidence=evidence[: int(bounds["attempts"]) + 1],
            measured=measured,
            job=job.id,
        )
    end = min(last.ends, key=lambda e: e.t, default=None)
    due_t = (_gone_t(job, died[-1]) or died[-1].start.t) + bounds["t_rec_s"]
    if end is None or end.t > due_t:
        late = end is not None or job.history.watched_until_s >= due_t
        return (violated if late else inconclusive)(
            "Nobody reported in time that the job's process was lost.",
            expected=f"{expected} before {due_t:.2f} s",
            observed=f"reported at {end.t:.2f} s"
            if end
            else f"no report until {job.history.watched_until_s:.2f} s",
            evidence=evidence,
            measured=measured,
            job=job.id,
            timed=late,
            due_t=None if late else due_t,
        )
    verdict = _next_runs(job, end.t + bounds["t_rec_s"], (*evidence, end.line))
    return merge(
        [
            verdict,
            holds(
                f"Started {starts} times, then reported as {end.get('how')}.",
                evidence=(*evidence, end.line),
                measured=measured,
                job=job.id,
            ),
        ],
        nothing="",
    )


def _next_runs(job: JobView, due_t: float, evidence: tuple[int, ...]) -> Verdict:
    """Look for a job that was sent after the poison, and what became of it.

    One that was done before the poison first started had nothing in its way.
    """
    assert job.submitted is not None
    begun_t = job.runs[0].start.t
    behind = [
        other
        for other in job.history.jobs
        if other.id != job.id
        and other.submitted is not None
        and other.submitted.t >= job.submitted.t
        and not any(run.end and run.end.t < begun_t for run in other.runs)
    ]
    done = [
        run.end
        for other in behind
        for run in other.runs
        if run.end is not None and run.succeeded
    ]
    first = min(done, key=lambda end: end.t, default=None)
    if first is not None and first.t <= due_t:
        return holds(
            "The job behind it was done.", evidence=(*evidence, first.line), job=job.id
        )
    late = bool(behind) and (first is not None or job.history.watched_until_s >= due_t)
    return (violated if late else inconclusive)(
        "The job behind the one that kills its process was not done in time."
        if late
        else "No job was seen to follow the one that kills its process.",
        expected=f"a later job's end before {due_t:.2f} s",
        observed=f"{len(behind)} later jobs, "
        + (f"the first done at {first.t:.2f} s" if first else "none done"),
        evidence=evidence,
        job=job.id,
        timed=late,
        due_t=due_t if behind and not late else None,
    )
