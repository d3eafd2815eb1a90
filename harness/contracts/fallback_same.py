"""The law about a job that runs without a broker, as its user meets it."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.job_view import TERMINAL, JobView, Run
from harness.verdict import Verdict, holds, inconclusive, merge, violated


@contract(
    id="fallback.same-to-the-user",
    code="FALL-003",
    claim="A job that runs without a broker is to its user like one run by a worker: "
    "same id, status, events, limits, cancel and result",
    user_sees="a job that was accepted and of which nothing is heard: no progress, no "
    "way to stop it, an id that nobody knows, or a result of another form",
    likely="the fallback calls the function and drops what the worker does around it: "
    "progress, limits and cancel live in the Celery task, not beside the function",
    source="Celery #2855, on silent fallbacks; documents of migrations, whose fallback "
    "is a coroutine with no id, the result of which nobody keeps",
    needs=("api", "worker", "socket", "job", "journal", "fallback"),
    bounds={
        "t_same_s": Bound(10.0, "s", "from the run's end to its ending; typical 0.2"),
    },
)
def same_to_the_user(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Compare each job that ran outside of a worker with one like it that did not."""
    stranger = _stranger(history)
    if stranger is not None:
        return violated(
            "A job ran under an id that no user was given.",
            expected="the id that the submit answered",
            observed=f"an execution of {stranger.job} at {stranger.t:.2f} s",
            evidence=(stranger.line,),
        )
    theirs = [job for job in history.jobs if _run(job, by_worker=True)]
    return merge(
        (
            _same(job, run, theirs, bounds["t_same_s"])
            for job in history.jobs
            if (run := _run(job, by_worker=False))
        ),
        nothing="No job ran without a broker.",
    )


def _stranger(history: History) -> Observation | None:
    """Return an execution outside of workers whose id belongs to nobody here."""
    known = {job.id for job in history.jobs}
    hurt_t = min((f.t for f in history.of(source="fault", kind="injected")), default=0)
    for start in history.of(source="journal", kind="start"):
        if start.job and start.job not in known and start.t >= hurt_t:
            job = history.job(start.job)
            if not any(job.by_worker(run) for run in job.runs):
                return start
    return None


def _run(job: JobView, *, by_worker: bool) -> Run | None:
    """Return its last execution if that was done there, and else nothing."""
    runs = [run for run in job.runs if run.start.source == "journal"]
    mine = bool(runs) and job.submitted is not None
    return runs[-1] if mine and job.by_worker(runs[-1]) is by_worker else None


def _same(job: JobView, run: Run, theirs: list[JobView], t_same_s: float) -> Verdict:
    """Compare with a job of its kind that met the same: a cancel, or none."""
    kind, cancelled = job.job_kind, bool(job.cancels)
    what = f"a {'cancelled ' if cancelled else ''}{kind}"
    twins = [t for t in theirs if _asked(t) == _asked(job)]
    if not twins:
        return inconclusive(
            f"No worker ran {what}, so there is nothing to compare with.",
            expected="a job of this kind by a worker, cancelled where this one was",
            observed=f"{len(theirs)} jobs by workers, none like it",
            evidence=(run.start.line,),
            job=job.id,
        )
    expected, seen = _met(twins[0]), _met(job)
    missing = [name for name in ("ending", "status") if expected[name] is None]
    if missing:
        return inconclusive(
            f"Nobody saw the {' and '.join(missing)} of {what} by a worker.",
            job=job.id,
        )
    for name in expected:
        if expected[name] == seen[name]:
            continue
        ended_t = run.end.t if run.end else run.start.t + (job.limits[1] or 0.0)
        due_t = ended_t + t_same_s
        told = run.end and seen["ending"] and seen["status"]  # nothing more will come
        late = bool(told) or job.history.watched_until_s >= due_t
        return (violated if late else inconclusive)(
            f"Without a broker {what} differs in its {name}."
            if late
            else f"Watching stopped before {what} without a broker had ended.",
            expected=f"{name}: {_told(expected[name])}, as by a worker",
            observed=f"{name}: {_told(seen[name])}",
            evidence=(run.start.line, *(e.line for e in job.terminals)),
            job=job.id,
            timed=late and not told,
            due_t=None if late else due_t,
        )
    return holds(
        f"Without a broker {what} is the same in all that was seen.",
        evidence=(run.start.line, *(e.line for e in job.terminals)),
        job=job.id,
    )


def _asked(job: JobView) -> tuple[Any, ...]:
    """Return what its user asked for: kind and request, and whether to stop it."""
    assert job.submitted is not None
    return job.job_kind, job.submitted.get("request"), bool(job.cancels)


def _met(job: JobView) -> dict[str, Any]:
    """Return what its user met, name by name; None what was not seen."""
    assert job.submitted is not None
    page = next(iter(job.subscribers), None)
    events = [e for e in (page.events if page else ()) if e.get("event")]
    ending = next(iter(job.terminals), None)
    asked = [s for s in job.statuses if s.get("state") in TERMINAL]
    status = asked[-1] if asked else None
    stages = (job.history.run.get("repeatable") or {}).get(job.job_kind)
    # Of a cancel the function may hear by itself, or be ended first: a matter of luck.
    run = None if job.cancels else job.runs[-1]
    return {
        "answer": job.submitted.get("code"),
        "ending": ending and (ending["event"], ending.get("reason")),
        "events": [word for word, _ in groupby(e["event"] for e in events)],
        "events' fields": _fields(events),
        "status": status and tuple(status.get(k) for k in ("code", "state", "reason")),
        "stages": run
        and run.how == "returned"
        and [m for e in events if (m := e.get("message")) in (stages or ())],
        # Where results do not repeat, what they are made of does.
        "result": status
        and status.get("result_shape" if stages is None else "result_digest"),
        "answers to a cancel": [c.get("answer") for c in job.cancels],
        "end of the function": run and run.how,
        # How often a step is done is the work's; that it is done, and when, is not.
        "marks": run and _marks(run),
    }


def _marks(run: Run) -> list[Any]:
    """Return its steps; how many it came to before a limit is the machine's matter."""
    names = [name for name, _ in groupby(m.get("name") for m in run.marks)]
    by_itself = run.how == "returned" or str(run.how).startswith("raised:")
    return names if by_itself else [name for name in names if name == "cleanup"]


def _fields(events: list[Observation]) -> dict[str, list[str]]:
    """Return the fields that all events of a word have; some progress says more."""
    found: dict[str, set[str]] = {}
    for event in events:
        fields = set(event.get("fields") or ())
        found[event["event"]] = found.get(event["event"], fields) & fields
    return {word: sorted(fields) for word, fields in found.items()}


def _told(value: Any) -> str:
    return "none" if value is None or value == [] else str(value)
