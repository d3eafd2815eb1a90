"""The law about what a job has started: it ends with the job."""

from collections.abc import Mapping

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.job_view import JobView, Run
from harness.observation import same_process
from harness.verdict import Verdict, holds, inconclusive, merge, violated
from harness.work_over import Over, work_over

#: Seconds before its job's end at which a process may end and still have ended with it:
#: by the job's own clean-up, say.
TOGETHER_S = 1.0


@contract(
    id="time_limit.nothing-outlives-the-job",
    code="TIME-007",
    claim="Nothing that a job started outlives its time-out, its cancel or its crash",
    user_sees="a job that was cancelled or timed out, and whose programs go on: they "
    "write its files, hold its port and the accelerator, for hours",
    likely="the job waits for a program, and the program is nobody's once the job's "
    "process was killed: the pool kills that one process alone",
    source="billiard 4.3 pool.py: a process group is killed only where the child leads "
    "one; celery#3340; measured: a subprocess lives on after the hard limit",
    needs=("app", "worker"),
    bounds={
        "t_stop_s": Bound(5.0, "s", "from the job's end to theirs; typical 0.1-0.4")
    },
)
def nothing_outlives_the_job(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at each job that was seen to have started a process."""
    return merge(
        (
            _ended_too(job, job.runs[0], started, bounds["t_stop_s"])
            for job in history.jobs
            if job.runs and (started := _started(job))
        ),
        nothing="No job was seen to start a process.",
    )


def _started(job: JobView) -> list[Observation]:
    """Return the first sight of each process that the job has started."""
    seen: list[Observation] = []
    for o in job.named("probe.alive"):
        if o.get("role") == "started" and not any(same_process(o, p) for p in seen):
            seen.append(o)
    return seen


def _ended_too(
    job: JobView, run: Run, started: list[Observation], t_stop_s: float
) -> Verdict:
    over = work_over(job, run)
    if over is None:
        return inconclusive(
            "A job that has started processes was not seen to end.",
            expected="an end, by itself or by force",
            observed=f"none until {job.history.watched_until_s:.2f} s",
            evidence=(run.start.line,),
            job=job.id,
        )
    due_t = over.t + t_stop_s
    gone = {p.line: _gone(job, p) for p in started}
    late = [p for p in started if (g := gone[p.line]) is None or g.t > due_t]
    if late:
        return _outlived(job, late[0], gone[late[0].line], over, due_t, len(late))
    ends = [g for g in gone.values() if g is not None]
    early = [g for g in ends if g.t < over.t - TOGETHER_S]
    if early:
        return inconclusive(
            "A process that the job had started ended before the job did.",
            expected=f"all of them still there at the job's end, at {over.t:.2f} s",
            observed=f"pid {early[0].get('pid')} gone at {early[0].t:.2f} s",
            evidence=(early[0].line,),
            job=job.id,
        )
    last = max(ends, key=lambda g: g.t)
    took_s = max(0.0, last.t - over.t)
    return holds(
        f"All {len(started)} that it started were gone {took_s:.2f} s after "
        f"{over.how}.",
        evidence=(run.start.line, last.line),
        measured={"t_stop_s": took_s},
        job=job.id,
    )


def _gone(job: JobView, started: Observation) -> Observation | None:
    seen = job.history.of(source="probe", kind="gone")
    return next((o for o in seen if same_process(o, started)), None)


def _outlived(
    job: JobView,
    process: Observation,
    gone: Observation | None,
    over: Over,
    due_t: float,
    count: int,
) -> Verdict:
    until_s = job.history.watched_until_s
    pid, name = process.get("pid"), process.get("name") or "?"
    expected = f"all that it started gone before {due_t:.2f} s"
    if gone is None and until_s < due_t:
        return inconclusive(
            "Watching stopped before what the job had started was due to go.",
            expected=expected,
            observed=f"pid {pid} ({name}) alive until {until_s:.2f} s",
            evidence=(process.line,),
            job=job.id,
            due_t=due_t,
        )
    others = f", and {count - 1} more" if count > 1 else ""
    return violated(
        f"What the job had started outlived {over.how}.",
        expected=expected,
        observed=f"pid {pid} ({name}) "
        + (f"gone at {gone.t:.2f} s" if gone else f"alive at {until_s:.2f} s")
        + others,
        evidence=(process.line, *((gone.line,) if gone else ())),
        job=job.id,
        timed=True,
    )
