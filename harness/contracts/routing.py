"""Laws about where messages go, and who takes them there."""

from collections.abc import Mapping

from harness.contract import Bound, contract
from harness.history import History
from harness.job_view import JobView
from harness.verdict import Verdict, holds, inconclusive, merge, violated


@contract(
    id="routing.every-task-has-a-worker",
    code="ROUTE-001",
    claim="Every task of the application, sent by its own route, starts on a deployed "
    "worker",
    user_sees="jobs of one kind that stay pending for ever, while the others work",
    likely="a row was added to the queues, and the worker's -Q was not; or a typo in a "
    "route's pattern sends the task to a queue nobody serves",
    source="Celery manual, routing tasks; mozilla/sumo#1573: 80 jobs stuck in a queue "
    "without a worker; measured: it stays pending for ever",
    needs=("app", "worker"),
    bounds={
        "t_rec_s": Bound(10.0, "s", "from send to start; typical 0.1, idle worker")
    },
)
def every_task_has_a_worker(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look, for each task the application has, at those sent without a queue."""
    known = history.of(source="agent", kind="tasks")
    names = known[-1].get("names", ()) if known else ()
    return merge(
        (_starts(history, name, bounds["t_rec_s"]) for name in names),
        nothing="The application's tasks were not asked for, or it has none.",
    )


def _starts(history: History, task: str, t_rec_s: float) -> Verdict:
    sent = [
        job
        for job in history.jobs
        if job.submitted is not None
        and job.submitted.get("task") == task
        and job.submitted.get("queue") is None
    ]
    return merge(
        (_started(job, task, t_rec_s) for job in sent),
        nothing=f"{task} was never sent by its own route.",
    )


def _started(job: JobView, task: str, t_rec_s: float) -> Verdict:
    assert job.submitted is not None
    sent_t = job.submitted.t
    due_t = sent_t + t_rec_s
    expected = f"{task} starts on a worker before {due_t:.2f} s"
    start = job.runs[0].start if job.runs else None
    if start is not None and start.t <= due_t:
        took_s = max(0.0, start.t - sent_t)
        return holds(
            f"{task} started {took_s:.2f} s after it was sent.",
            evidence=(job.submitted.line, start.line),
            measured={"t_rec_s": took_s},
            job=job.id,
        )
    refused = next((e for e in job.named("ledger.end") if not job.runs), None)
    if refused is not None:
        return violated(
            f"A worker received {task} and did not run it.",
            expected=expected,
            observed=f"{refused.get('how')} at {refused.t:.2f} s, never started",
            evidence=(job.submitted.line, refused.line),
            job=job.id,
        )
    until_s = job.history.watched_until_s
    late = start is not None or until_s >= due_t
    return (violated if late else inconclusive)(
        f"{task} did not start in time."
        if late
        else f"{task} was not watched so long.",
        expected=expected,
        observed=f"started at {start.t:.2f} s"
        if start
        else f"no start, {until_s:.2f} s",
        evidence=(job.submitted.line, *((start.line,) if start else ())),
        job=job.id,
        timed=late,
        due_t=None if late else due_t,
    )
