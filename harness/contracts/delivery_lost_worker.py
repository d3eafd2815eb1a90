"""The law about a worker that is gone, all of it, without a word."""

from collections.abc import Mapping

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.job_view import JobView
from harness.verdict import Verdict, holds, inconclusive, merge, violated

#: What the application's own API, its events or Celery's result store may say of a job
#: whose worker died. Success only after another run, and that run counts.
_REPORTS = {
    "driver.event": ("event", ("failed", "cancelled")),
    "driver.status": ("state", ("failed", "cancelled")),
    "agent.state": ("state", ("FAILURE", "REVOKED")),
}


@contract(
    id="delivery.lost-worker-is-noticed",
    code="EXEC-004",
    claim="A job whose worker is killed is run again or reported as failed in time; it "
    "does not stay started for ever",
    user_sees="a job that runs for ever, since its machine went out of memory or was "
    "taken away",
    likely="early ack, and nothing that looks for jobs without a worker; or late ack "
    "with a visibility timeout of an hour",
    source="Celery manual, glossary (ack); celery#4984; measured on 5.7: with early "
    "ack STARTED for ever, with late ack run again after the visibility timeout + 100 "
    "s",
    needs=("app", "worker"),
    bounds={
        "t_rec_s": Bound(30.0, "s", "from the kill; a lease and a scan take about 5")
    },
)
def lost_worker_is_noticed(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at every job that ran when its worker was killed."""
    return merge(
        (
            _noticed(history.job(job.id), killed, bounds["t_rec_s"])
            for job in history.jobs
            for run in job.runs[:1]
            if (killed := run.killed) and killed.get("fault") == "kill_main"
        ),
        nothing="No worker was killed while a job ran.",
    )


def _noticed(job: JobView, killed: Observation, t_rec_s: float) -> Verdict:
    due_t = killed.t + t_rec_s
    run, expected = job.runs[0], f"run again or reported as failed before {due_t:.2f} s"
    said = [_again(job, killed), _reported(job, killed)]
    first = min((o for o in said if o is not None), key=lambda o: o.t, default=None)
    evidence = (run.start.line, killed.line)
    if first is not None and first.t <= due_t:
        took_s = first.t - killed.t
        what = "run again" if first.kind == "start" else "reported"
        return holds(
            f"The job was {what} {took_s:.2f} s after its worker was killed.",
            evidence=(*evidence, first.line),
            measured={"t_rec_s": took_s},
            job=job.id,
        )
    asked = [o for o in job.observations if o.name in ("agent.state", "driver.status")]
    last = asked[-1] if asked else None
    watched_t = job.history.watched_until_s
    listened = any(s.unsubscribed_t is None for s in job.subscribers)
    told_t = watched_t if listened else min(watched_t, last.t if last else 0.0)
    state = f"state {last.get('state')} at {last.t:.2f} s" if last else "nobody asked"
    late = f", {first.kind} only at {first.t:.2f} s" if first else ""
    if first is None and told_t < due_t:
        return inconclusive(
            "Watching stopped before the loss had to be noticed.",
            expected=expected,
            observed=f"{state}; watched until {watched_t:.2f} s",
            evidence=evidence,
            job=job.id,
            due_t=due_t if listened else None,
        )
    return violated(
        "Nobody noticed in time that a job's worker was killed.",
        expected=expected,
        observed=f"{len(job.runs)} start{'s' if len(job.runs) > 1 else ''}; "
        f"{state}{late}",
        evidence=(*evidence, *((last.line,) if last else ())),
        job=job.id,
        timed=True,
    )


def _again(job: JobView, killed: Observation) -> Observation | None:
    starts = (run.start for run in job.runs)
    return next((start for start in starts if start.t > killed.t), None)


def _reported(job: JobView, killed: Observation) -> Observation | None:
    for o in job.observations:
        key, words = _REPORTS.get(o.name, ("", ()))
        if o.t > killed.t and o.get(key) in words:
            return o
    return None
