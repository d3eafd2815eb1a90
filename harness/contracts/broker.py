"""Laws about a broker that goes away and comes back."""

from collections.abc import Mapping

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.job_view import JobView
from harness.verdict import Verdict, holds, inconclusive, merge, violated

#: The faults after which Redis is there again, with its data.
RESTARTS = ("redis_stop", "redis_restart")

#: The faults after which the worker's way to Redis is there again.
WAYS = ("black_hole", "refuse", "cut")


@contract(
    id="broker.consumes-again",
    code="BROK-001",
    claim="After Redis, or the worker's way to it, was gone, a new job runs to its end "
    "and is announced, and nobody had to restart the worker",
    user_sees="jobs that stay pending after a short outage, until somebody restarts "
    "the workers by hand",
    likely="connection retries are off or used up; or the worker dies of the lost "
    "connection, as Celery 5.7 can while it holds unacknowledged messages",
    source="celery#8030, #8091, #10205; measured on 5.7: an idle worker consumed again "
    "after 1.8 s; with late ack and a running task some exited with 1, a race",
    needs=("app", "worker"),
    bounds={
        "t_rec_s": Bound(15.0, "s", "from send to the end; typical 0.5-3, backoff"),
        "restarts": Bound(0.0, "times", "a worker that dies has lost what it ran"),
    },
)
def consumes_again(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at every job submitted after an outage, and before the next one."""
    faults = [
        f
        for f in history.of(source="fault", kind="injected")
        if f.get("bit") and _is_outage(f, (f.get("victim") or {}).get("role"))
    ]
    healed = [
        f.t
        for f in history.of(source="fault", kind="healed")
        if _is_outage(f, f.get("role"))
    ]
    if not faults or len(healed) < len(faults):
        return inconclusive(
            "Redis was never gone, or never came back.",
            expected="an outage of Redis or of the way to it, and its end",
            observed=f"{len(faults)} outages, {len(healed)} ends",
        )
    verdict = merge(
        (
            _done(job, bounds["t_rec_s"])
            for job in history.jobs
            if _is_canary(job, [f.t for f in faults], healed, bounds["t_rec_s"])
        ),
        nothing="No job was submitted after Redis came back.",
    )
    restarted = [
        o
        for o in history.of(source="stack", kind="restarted")
        if o.get("role") == "worker" and o.t >= faults[0].t
    ]
    if len(restarted) <= bounds["restarts"]:
        return verdict
    return violated(
        "The worker did not survive the outage of Redis.",
        expected=f"at most {bounds['restarts']:g} restarts of the worker",
        observed=f"{len(restarted)} after {len(faults)} outages, the first "
        f"at {restarted[0].t:.2f} s",
        evidence=(faults[0].line, *(o.line for o in restarted)),
        measured={**verdict.measured, "restarts": float(len(restarted))},
    )


def _is_outage(fault: Observation, role: str | None) -> bool:
    """Return whether it parts the worker from Redis; `role` is whose link it is of."""
    name = fault.get("fault")
    return name in RESTARTS or (name in WAYS and role == "worker")


def _is_canary(
    job: JobView, down: list[float], up: list[float], t_rec_s: float
) -> bool:
    """Return whether the job came while Redis was back, and had its time."""
    if job.submitted is None:
        return False
    sent_t = job.submitted.t
    gone, back = sum(t <= sent_t for t in down), sum(t <= sent_t for t in up)
    next_t = min((t for t in down if t > sent_t), default=float("inf"))
    done_t = max((o.t for o in _endings(job) if o), default=sent_t)
    in_time = None not in _endings(job) and done_t <= next_t
    return gone == back > 0 and (in_time or sent_t + t_rec_s <= next_t)


def _endings(job: JobView) -> list[Observation | None]:
    """Return its end, and as each of its subscribers heard it; None where not yet.

    Who hears of another ending than completion has not heard of this one.
    """
    ends = [run.end for run in job.runs if run.end is not None and run.succeeded]
    heard = (s.terminal for s in job.early)
    done = (e if e and e["event"] == "completed" else None for e in heard)
    return [ends[-1] if ends else None, *done]


def _done(job: JobView, t_rec_s: float) -> Verdict:
    assert job.submitted is not None
    due_t = job.submitted.t + t_rec_s
    seen = [o for o in _endings(job) if o is not None]
    told = ", ".join(f"{o.name} at {o.t:.2f} s" for o in seen) or "nothing"
    expected = f"run to its end, all subscribers told, before {due_t:.2f} s"
    evidence = (job.submitted.line, *(o.line for o in seen))
    complete = None not in _endings(job)
    last_t = max((o.t for o in seen), default=0.0)
    if complete and last_t <= due_t:
        took_s = last_t - job.submitted.t
        return holds(
            f"Done {took_s:.2f} s after it was sent.",
            evidence=evidence,
            measured={"t_rec_s": took_s, "restarts": 0.0},
            job=job.id,
        )
    late = complete or job.history.watched_until_s >= due_t
    return (violated if late else inconclusive)(
        "A job sent after Redis came back was not done in time."
        if late
        else "Watching stopped before the job was due.",
        expected=expected,
        observed=f"{told}"
        + (f"; subscribers: {job.told}" if job.early else "")
        + f"; watched until {job.history.watched_until_s:.2f} s",
        evidence=evidence,
        job=job.id,
        timed=late,
        due_t=None if late else due_t,
    )
