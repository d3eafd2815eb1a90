"""The law about many jobs while processes die and connections break."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.job_view import JobView
from harness.verdict import Status, Verdict, holds, inconclusive, merge, violated


@contract(
    id="delivery.churn-loses-nothing",
    code="CAP-002",
    claim="Whatever is killed or cut while jobs run, each job that was accepted ends "
    "once, and is executed no more often than declared",
    user_sees="now and then a job that never ends, one that ends twice, or one that is "
    "done again and again and paid for each time",
    likely="each way to lose a process is handled, and two at once are not: a second "
    "attempt that dies like the first, an ending that is told by two",
    source="celery#6819, #4984; measured here: a message popped by a worker that dies "
    "left its job waiting for ever until something sent it again",
    needs=("api", "socket", "worker", "job"),
    bounds={
        "attempts": Bound(3.0, "times", "executions of one job: the first, two more"),
        "idle_s": Bound(30.0, "s", "nothing happens, yet a job waits; typical 0-6"),
    },
)
def churn_loses_nothing(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at every watched job of a history in which damage hit running ones."""
    for repeated in history.of(source="driver", kind="repeated"):
        if repeated.get("id") not in (None, repeated.job):
            return violated(
                "A submit that was repeated with its key made another job.",
                expected=f"the id it was answered before, {repeated.job}",
                observed=f"code {repeated.get('code')}, id {repeated.get('id')}",
                evidence=(repeated.line,),
                job=repeated.job,
            )
    jobs = [job for job in history.jobs if job.accepted and job.subscribers]
    hits = {fault.line: fault for job in jobs for fault in _hits(job)}
    if not hits:
        return inconclusive("No damage hit a running job.")
    due_t = _last_t(jobs, hits.values()) + bounds["idle_s"]
    verdict = merge(
        (_ended_once(job, due_t, bounds["attempts"]) for job in jobs),
        nothing="No job was watched.",
    )
    if verdict.status is not Status.HOLDS:
        return verdict
    return replace(verdict, summary=_counts(jobs, hits.values()))


def _hits(job: JobView) -> list[Observation]:
    """Return the damage that is proven and that hit the job while it ran."""
    return [fault for fault in job.faults if fault.get("bit") and job.runs]


def _last_t(jobs: list[JobView], hits: Iterable[Observation]) -> float:
    """Return when something happened last: damage, a run, an event."""
    seen = [fault.t for fault in hits]
    seen += [run.start.t for job in jobs for run in job.runs]
    seen += [job.events[-1].t for job in jobs if job.events]
    return max(seen)


def _ended_once(job: JobView, due_t: float, attempts: float) -> Verdict:
    measured = {"attempts": float(len(job.runs))}
    if len(job.runs) > attempts:
        return violated(
            f"A job was executed {len(job.runs)} times.",
            expected=f"at most {attempts:g} executions",
            observed=f"{len(job.runs)} starts, {len(_hits(job))} of them hit by damage",
            evidence=tuple(run.start.line for run in job.runs),
            measured=measured,
            job=job.id,
        )
    twice = next((s for s in job.subscribers if len(s.terminals) > 1), None)
    if twice is not None:
        words = " and ".join(str(end.get("event")) for end in twice.terminals)
        return violated(
            "A job ended more than once.",
            expected="one terminal event",
            observed=f"{twice.name} saw {words}",
            evidence=tuple(end.line for end in twice.terminals),
            measured=measured,
            job=job.id,
        )
    if job.terminals:
        return holds(
            "It ended once.",
            evidence=(job.terminals[0].line,),
            measured=measured,
            job=job.id,
        )
    page = job.subscribers[-1]
    until_s = page.watched_until_s
    late = until_s >= due_t
    assert job.submitted is not None
    return (violated if late else inconclusive)(
        "A job that was accepted never ended.",
        expected=f"an ending before {due_t:.2f} s, when nothing had happened for long",
        observed=f"{len(job.runs)} executions, and no ending until {until_s:.2f} s",
        evidence=(job.submitted.line, *(hit.line for hit in _hits(job))),
        measured=measured,
        job=job.id,
        timed=late,
        due_t=None if late else page.due(due_t),
    )


def _counts(jobs: list[JobView], hits: Iterable[Observation]) -> str:
    """Return in one sentence what the jobs and the damage come to."""
    endings = Counter(str(job.terminals[0].get("event")) for job in jobs)
    damage = Counter(str(fault.get("fault")) for fault in hits)
    runs = [len(job.runs) for job in jobs]
    return (
        f"{len(jobs)} accepted = {sum(endings.values())} ended ({_listed(endings)}), "
        f"{sum(runs)} executions, at most {max(runs)} of one job, "
        f"hit by {_listed(damage)}."
    )


def _listed(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counter.most_common())
