"""Laws about how much work a deployment gets done."""

import itertools
from collections.abc import Iterator, Mapping, Sequence

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.job_view import JobView, Run
from harness.verdict import Verdict, holds, inconclusive, merge, violated


@contract(
    id="capacity.next-job-starts-promptly",
    code="CAP-003",
    claim="A worker that takes a fresh process per job starts the next job promptly",
    user_sees="jobs that wait for seconds although the machine is idle",
    likely="Celery notices an ended child only by a timer of 5 s, and nothing calls "
    "the pool's maintenance in between",
    source="Celery 5.7, measured: 4.2 s idle between two jobs of 0.1 s with one job "
    "per child; 0.2 s with the pool maintained every 0.1 s",
    needs=("worker",),
    bounds={"gap_s": Bound(1.0, "s", "typical 0.2; stock Celery takes 4.2")},
)
def next_job_starts_promptly(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Measure from one job's end to the next one's start; look for who still waits."""
    runs = sorted(
        ((job, run) for job in _all(history) for run in job.runs),
        key=lambda pair: pair[1].start.t,
    )
    pairs = list(itertools.pairwise(runs))
    waiting = [
        (before, job, run) for (_, before), (job, run) in pairs if _waited(before, job)
    ]
    gaps = [
        (before, job, run)
        for before, job, run in waiting
        if not run.in_process_of(before)
    ]
    if len(gaps) < 2:
        return inconclusive(
            "Too few changes of process between jobs: nothing to measure.",
            expected="at least 2 waiting jobs that start in a fresh process",
            observed=f"{len(gaps)} of {len(waiting)} that waited, {len(runs)} jobs ran",
        )
    prompt = [_prompt(before, job, run, bounds["gap_s"]) for before, job, run in gaps]
    ends = [run.end for _, run in runs]
    return merge([*prompt, *_left_waiting(history, ends, bounds["gap_s"])], nothing="")


def _all(history: History) -> list[JobView]:
    """Return the scenario's jobs and all others that workers ran: beat sends some."""
    seen = (o.job for o in history.of(source="ledger", kind="start") if o.job)
    ids = dict.fromkeys([*(job.id for job in history.jobs), *seen])
    return [history.job(each) for each in ids]


def _left_waiting(
    history: History, ends: Sequence[Observation | None], gap_s: float
) -> Iterator[Verdict]:
    """Yield a verdict on each job that nobody starts although nothing runs any more."""
    ended = [end for end in ends if end is not None]
    if len(ended) < len(ends):
        return
    idle = max(ended, key=lambda end: end.t)
    late = history.watched_until_s >= idle.t + gap_s
    for job in history.jobs:
        sent, known = job.submitted, job.runs or job.cancels or job.named("ledger.end")
        if known or sent is None or sent.t >= idle.t:
            continue
        yield (violated if late else inconclusive)(
            "A job still waits although the one before it has ended.",
            expected=f"a start before {idle.t + gap_s:.2f} s",
            observed=f"no start until {history.watched_until_s:.2f} s",
            evidence=(sent.line, idle.line),
            job=job.id,
            timed=late,
            due_t=None if late else idle.t + gap_s,
        )


def _waited(before: Run, job: JobView) -> bool:
    """Return whether the job was in the queue already when the one before ended."""
    start = job.runs[0].start
    return (
        before.end is not None
        and job.submitted is not None
        and job.submitted.t < before.end.t <= start.t
    )


def _prompt(before: Run, job: JobView, run: Run, gap_s: float) -> Verdict:
    assert before.end is not None
    took_s = run.start.t - before.end.t
    evidence = (before.end.line, run.start.line)
    if took_s > gap_s:
        return violated(
            f"A waiting job started {took_s:.2f} s after the one before had ended.",
            expected=f"at most {gap_s:g} s",
            observed=f"{took_s:.2f} s (process {before.pid} to {run.pid})",
            evidence=evidence,
            measured={"gap_s": took_s},
            job=job.id,
            timed=True,
        )
    return holds(
        f"The next job started after {took_s:.2f} s.",
        evidence=evidence,
        measured={"gap_s": took_s},
        job=job.id,
    )
