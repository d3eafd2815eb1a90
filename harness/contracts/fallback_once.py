"""The law about a publish of which nobody knows whether it arrived."""

from collections.abc import Mapping

from harness.contract import Bound, contract
from harness.history import History
from harness.job_view import JobView, Run
from harness.outages import Outage, outages
from harness.verdict import Verdict, holds, inconclusive, merge, violated


@contract(
    id="fallback.ambiguous-publish-runs-once",
    code="FALL-002",
    claim="A job whose publish failed, and whose message was in the queue all the "
    "same, is executed once",
    user_sees="one click, and the job is done and paid for twice",
    likely="the fallback runs the job without claiming its id first, or the worker "
    "does not ask whether somebody has: an error says that no answer came, not that "
    "nothing was sent",
    source="Measured on Celery 5.7, 5 of 5: a publish that raised a time-out on a warm "
    "connection was in the queue when Redis woke up",
    needs=("api", "worker", "job", "journal", "fallback"),
    bounds={
        "taken_s": Bound(
            20.0, "s", "from the broker's return to a worker's; typical 2"
        ),
        "quiet_s": Bound(2.0, "s", "watching after the last start; a second: 0.1-0.3"),
    },
)
def ambiguous_publish_runs_once(
    history: History, bounds: Mapping[str, float]
) -> Verdict:
    """Count the executions of jobs that were accepted while the broker was out."""
    hurting = [outage for outage in outages(history) if outage.hurts_submits]
    return merge(
        (
            _once(job, outage, bounds)
            for job in history.jobs
            for outage in [o for o in hurting if _published_in(job, o)][:1]
        ),
        nothing="No job was accepted while the broker was out.",
    )


def _published_in(job: JobView, outage: Outage) -> bool:
    """Return whether the whole submit, and so its publish, fell into the outage."""
    sent = job.submitted
    if sent is None or sent.source != "driver":
        return False
    asked_t = sent.t - float(sent.get("took_s") or 0.0)
    return outage.begin <= asked_t and sent.t <= outage.end


def _once(job: JobView, outage: Outage, bounds: Mapping[str, float]) -> Verdict:
    sent = job.submitted
    assert sent is not None
    runs = _counting(job)
    evidence = (outage.fault.line, sent.line, *(run.start.line for run in runs))
    if len(runs) > 1:
        ways = ", ".join(
            f"{_way(job, run)} from {run.start.t:.2f} s (pid {run.pid})" for run in runs
        )
        return violated(
            f"A job whose publish failed was executed {len(runs)} times.",
            expected="1 execution, whoever began first",
            observed=ways,
            evidence=evidence,
            job=job.id,
        )
    taken = next(iter(job.named("ledger.start")), None)
    missing = "no worker took its message" if taken is None else "nobody executed it"
    if taken is None or not runs:
        # Without a message nothing was ambiguous: what is asked here was not tested.
        return inconclusive(
            f"A job was accepted while the broker was out, and {missing}.",
            expected="a message that a worker takes, and 1 execution",
            observed=f"{len(runs)} executions; {missing} until "
            f"{job.history.watched_until_s:.2f} s",
            evidence=evidence,
            job=job.id,
            due_t=outage.end + bounds["taken_s"],
        )
    due_t = max(taken.t, runs[0].start.t) + bounds["quiet_s"]
    if job.history.watched_until_s < due_t:
        return inconclusive(
            "Watching stopped soon after the first execution.",
            expected=f"no second execution until {due_t:.2f} s",
            observed=f"watched until {job.history.watched_until_s:.2f} s",
            evidence=(*evidence, taken.line),
            job=job.id,
            due_t=due_t,
        )
    return holds(
        f"Executed once, by {_way(job, runs[0])}, though a worker had the message.",
        evidence=(*evidence, taken.line),
        measured={"taken_s": max(0.0, taken.t - outage.end)},
        job=job.id,
    )


def _counting(job: JobView) -> list[Run]:
    """Return the executions of its function, without those that follow on a killed one.

    A worker that takes the message and finds nothing to do has executed nothing.
    """
    runs = [run for run in job.runs if run.start.source == "journal"]
    return [
        run
        for before, run in zip([None, *runs], runs, strict=False)
        if before is None or before.killed is None
    ]


def _way(job: JobView, run: Run) -> str:
    return "a worker" if job.by_worker(run) else "the API's own process"
