"""Laws about messages that no task of the application fits."""

from collections.abc import Mapping

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.job_view import JobView
from harness.verdict import Verdict, holds, inconclusive, merge, violated

#: Faults that plant such a message; of garbage nobody knows a task id.
UNKNOWN = ("unknown_task", "older_signature", "garbage")


@contract(
    id="routing.unknown-message-does-not-stop",
    code="ROUTE-002",
    claim="After a message of an unknown task, of another release or of no sense the "
    "next job starts, and what has a task id has an end",
    user_sees="one wrong message, and everybody's jobs stay pending; or the job of an "
    "old page that runs for ever",
    likely="the worker crashes on the message and nobody starts it again, or it is put "
    "back each time and meets the next worker",
    source="Celery manual, workers guide; celery#3317; measured on 5.7: unknown tasks "
    "and arguments end as failures; bytes that are no JSON leave the queue, and the "
    "worker ends with code 1, once, when what runs is done: its supervisor keeps this",
    needs=("app", "worker"),
    bounds={
        "t_rec_s": Bound(10.0, "s", "from send to the next start; typical 0.1-0.6"),
        "restart_s": Bound(
            60.0, "s", "the same after garbage; typical 2-12: a restart"
        ),
        "end_s": Bound(10.0, "s", "from message to its end in the ledger; typical 0.1"),
        "exits": Bound(1.0, "times", "ends of the worker after garbage; else none"),
    },
)
def unknown_message_does_not_stop(
    history: History, bounds: Mapping[str, float]
) -> Verdict:
    """Look, after each such message, for its end, the worker's, and the next start."""
    return merge(
        (
            verdict
            for fault in history.of(source="fault", kind="injected")
            if fault.get("fault") in UNKNOWN and fault.get("bit")
            for verdict in (
                _worker_stays(history, fault, bounds),
                _next_starts(history, fault, bounds),
                *([_ends(history, fault, bounds["end_s"])] if fault.job else []),
            )
        ),
        nothing="No message that the application does not know was in a queue.",
    )


def _next_starts(
    history: History, fault: Observation, bounds: Mapping[str, float]
) -> Verdict:
    """Look for the first job that was sent to the same queue after the message."""
    name = _named(fault)
    bound = "restart_s" if _is_garbage(fault) else "t_rec_s"
    behind = [job for job in history.jobs if _is_behind(job, fault)]
    if not behind:
        return inconclusive(
            f"No job was sent after {name}.",
            expected=f"a later job in {fault.get('queue')}",
            observed=f"{len(history.jobs)} jobs, all of them earlier or elsewhere",
            evidence=(fault.line,),
        )
    job = behind[0]
    assert job.submitted is not None
    due_t = job.submitted.t + bounds[bound]
    start = job.runs[0].start if job.runs else None
    if start is not None and start.t <= due_t:
        took_s = max(0.0, start.t - job.submitted.t)
        return holds(
            f"The job after {name} started {took_s:.2f} s after it was sent.",
            evidence=(fault.line, job.submitted.line, start.line),
            measured={bound: took_s},
            job=job.id,
        )
    until_s = history.watched_until_s
    late = start is not None or until_s >= due_t
    return (violated if late else inconclusive)(
        f"The job after {name} did not start in time."
        if late
        else f"The job after {name} was not watched so long.",
        expected=f"a start before {due_t:.2f} s",
        observed=f"started at {start.t:.2f} s"
        if start
        else f"no start until {until_s:.2f} s",
        evidence=(fault.line, job.submitted.line, *((start.line,) if start else ())),
        job=job.id,
        timed=late,
        due_t=None if late else due_t,
    )


def _is_behind(job: JobView, fault: Observation) -> bool:
    sent = job.submitted
    return (
        sent is not None
        and sent.t >= fault.t
        and sent.get("queue") in (None, fault.get("queue"))
    )


def _worker_stays(
    history: History, fault: Observation, bounds: Mapping[str, float]
) -> Verdict:
    """Count the ends of the worker until the next fault, or the end."""
    name = _named(fault)
    allowed = bounds["exits"] if _is_garbage(fault) else 0.0
    next_t = min(
        (
            other.t
            for other in history.of(source="fault", kind="injected")
            if other.t > fault.t
        ),
        default=float("inf"),
    )
    ended = [
        o
        for o in history.of(source="stack", kind="exited")
        if o.get("role") == "worker" and fault.t <= o.t < next_t
    ]
    evidence = (fault.line, *(o.line for o in ended))
    if len(ended) > allowed:
        codes = ", ".join(str(o.get("code")) for o in ended)
        return violated(
            f"The worker ended {len(ended)} times after {name}.",
            expected=f"at most {allowed:g} times",
            observed=f"exit codes {codes}",
            evidence=evidence,
        )
    return holds(
        f"After {name} the worker ended {len(ended)} times.",
        evidence=evidence,
        measured={"exits": float(len(ended))},
    )


def _ends(history: History, fault: Observation, end_s: float) -> Verdict:
    """Look for any end of the message's own task id in the ledger."""
    assert fault.job is not None
    name = _named(fault)
    due_t = fault.t + end_s
    ends = history.job(fault.job).named("ledger.end")
    end = min(ends, key=lambda o: o.t, default=None)
    expected = f"an end of {fault.job} in the ledger before {due_t:.2f} s"
    if end is None or end.t > due_t:
        late = end is not None or history.watched_until_s >= due_t
        return (violated if late else inconclusive)(
            f"There is no end of {name} in time.",
            expected=expected,
            observed=f"ended at {end.t:.2f} s"
            if end
            else f"no end until {history.watched_until_s:.2f} s",
            evidence=(fault.line, *((end.line,) if end else ())),
            job=fault.job,
            timed=late,
            due_t=None if late else due_t,
        )
    took_s = max(0.0, end.t - fault.t)
    if end.get("how") == "success":
        return violated(
            f"The end of {name} is a success.",
            expected="a failure, for nothing was done",
            observed=f"success after {took_s:.2f} s",
            evidence=(fault.line, end.line),
            job=fault.job,
        )
    return holds(
        f"{name.capitalize()} ended after {took_s:.2f} s: {end.get('how')}.",
        evidence=(fault.line, end.line),
        measured={"end_s": took_s},
        job=fault.job,
    )


def _is_garbage(fault: Observation) -> bool:
    return str(fault.get("fault")) == "garbage"


def _named(fault: Observation) -> str:
    return {
        "unknown_task": "a task that nobody has",
        "older_signature": "a call of another release",
        "garbage": "bytes that are no message",
    }[str(fault.get("fault"))]
