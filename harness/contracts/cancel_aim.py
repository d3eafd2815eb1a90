"""The law about whom a cancel hits: the job it names, and nobody else."""

from collections.abc import Iterator, Mapping

from harness.cancel_view import STOPPED, asked_t, endings, gone, runs, word
from harness.contract import contract
from harness.history import History, Observation
from harness.job_view import JobView, Run
from harness.verdict import Verdict, holds, inconclusive, merge, violated

#: What an API answers about a job that nobody submitted.
NOT_FOUND = 404

#: Any ending but a cancel's.
BY_ITSELF = "by itself"


@contract(
    id="cancel.hits-only-its-job",
    code="CANC-005",
    claim="A cancel hits the job it names and no other: an unknown id is not found, a "
    "job that had ended keeps its ending, and the jobs beside it run on",
    user_sees="somebody else's job that dies of a cancel, or a result that turns into "
    "'cancelled'",
    likely="the process is killed by a number noted earlier, and runs the next job by "
    "then; or the state is written without a look at what it was",
    source="Celery manual, workers guide, revoke: terminate kills the process, which "
    "may have begun another task; measured on 5.7: any unknown id becomes REVOKED",
    needs=("api", "worker", "job"),
)
def hits_only_its_job(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at every cancel, and at the jobs beside a job that was cancelled."""
    known = {job.id: job for job in history.jobs}
    asked = history.of(source="driver", kind="cancel")
    unknown = [_not_found(o) for o in asked if o.job not in known]
    named = [v for o in asked if o.job in known for v in _named(known[o.job], o)]
    return merge(
        [*unknown, *named, *_beside(history)],
        nothing="No unknown or ended job was cancelled, and none with another beside.",
    )


def _not_found(cancel: Observation) -> Verdict:
    right = cancel.get("code") == NOT_FOUND
    return (holds if right else violated)(
        "A job that nobody submitted was not found."
        if right
        else "A job that nobody submitted was cancelled.",
        expected=f"code {NOT_FOUND}",
        observed=f"code {cancel.get('code')}, answer {cancel.get('answer')!r}",
        evidence=(cancel.line,),
        job=cancel.job,
    )


def _named(job: JobView, cancel: Observation) -> Iterator[Verdict]:
    """Judge a cancel by what the user had been told, and by what was told later."""
    told = endings(job)
    before = next((o for o in told if o.t < asked_t(cancel)), None)
    taken = cancel in job.cancels
    evidence = (cancel.line, *((before.line,) if before else ()))
    if before is not None and taken:
        yield violated(
            "A job that had ended was cancelled.",
            expected=f"a refusal: it was '{word(before)}' at {before.t:.2f} s",
            observed=f"code {cancel.get('code')}, answer {cancel.get('answer')!r}",
            evidence=evidence,
            job=job.id,
        )
        return
    if int(cancel.get("code") or 0) in (0, NOT_FOUND) or cancel["code"] >= 500:
        yield violated(
            "A cancel of a job that was submitted got no proper answer.",
            expected="that it is taken, or that the job has ended",
            observed=f"code {cancel.get('code')}",
            evidence=evidence,
            job=job.id,
        )
        return
    if before is not None:
        yield _kept(job, cancel, word(before), evidence)
    elif not taken and not any(c.t < cancel.t for c in job.cancels):
        yield _kept(job, cancel, BY_ITSELF, evidence)  # refused: it had ended
    elif len({word(o) for o in told}) > 1:
        yield violated(
            "A job that was cancelled about when it ended was given two endings.",
            expected="one ending, whichever came first",
            observed=", ".join(f"'{word(o)}' at {o.t:.2f} s" for o in told),
            evidence=(cancel.line, *(o.line for o in told)),
            job=job.id,
        )


def _kept(
    job: JobView, cancel: Observation, wanted: str, evidence: tuple[int, ...]
) -> Verdict:
    """Look at what was told after a cancel that came too late."""
    after = [o for o in endings(job) if o.t >= asked_t(cancel)]
    changed = next((o for o in after if not _is(o, wanted)), None)
    expected = f"the ending it had: {wanted}"
    if changed is not None:
        return violated(
            "A cancel that came too late changed how the job had ended.",
            expected=expected,
            observed=f"'{word(changed)}' at {changed.t:.2f} s",
            evidence=(*evidence, changed.line),
            job=job.id,
        )
    if not after:
        return inconclusive(
            "Nobody asked for the job after a cancel that came too late.",
            expected=expected,
            observed=f"nothing told until {job.history.watched_until_s:.2f} s",
            evidence=evidence,
            job=job.id,
        )
    return holds(
        "A cancel that came too late changed nothing.",
        evidence=(*evidence, after[-1].line),
        job=job.id,
    )


def _is(ending: Observation, wanted: str) -> bool:
    if wanted == BY_ITSELF:
        return word(ending) != "cancelled"
    return word(ending) == wanted


def _beside(history: History) -> Iterator[Verdict]:
    """Yield a verdict for each job that nobody cancelled, beside one that was."""
    cancels = [cancel for job in history.jobs for cancel in job.cancels]
    if not cancels:
        return
    first = min(cancels, key=lambda o: o.t)
    for job in history.jobs:
        told = endings(job)
        over = bool(told) and told[0].t < asked_t(first)
        if not job.cancels and not job.faults and not over:
            yield _unharmed(job, first)


def _unharmed(job: JobView, cancel: Observation) -> Verdict:
    expected = "one run, that ends by itself, and is told so"
    mine, told = runs(job), endings(job)
    run = mine[-1] if mine else None
    evidence = (cancel.line, *(r.start.line for r in mine))
    hits = (_hit(job, each, last=each is run) for each in mine)
    hit = next((what for what in hits if what), None)
    lost = next((o for o in job.named("ledger.end") if o.get("how") == "lost"), None)
    if not mine and lost is not None:
        hit = f"lost with its process at {lost.t:.2f} s, before its function began"
    cancelled = next((o for o in told if word(o) == "cancelled"), None)
    if hit is None and cancelled is not None:
        hit = f"told 'cancelled' at {cancelled.t:.2f} s"
    if hit is not None:
        return violated(
            "A job that nobody cancelled was hit by the cancel of another one.",
            expected=expected,
            observed=hit,
            evidence=evidence,
            job=job.id,
        )
    if run is None or run.end is None or not told:
        return inconclusive(
            "The end of a job beside the cancelled one was not seen.",
            expected=expected,
            observed=f"{len(mine)} runs; {job.told}",
            evidence=evidence,
            job=job.id,
        )
    return holds(
        "A job beside the cancelled one ran on and ended by itself.",
        evidence=(*evidence, run.end.line),
        job=job.id,
    )


def _hit(job: JobView, run: Run, *, last: bool) -> str | None:
    """Return in words how somebody stopped this run, None where nobody did."""
    if run.how in STOPPED:
        return f"{run.how} at {run.ends[0].t:.2f} s"
    left = gone(job, run)
    if run.end is None and left is not None:
        return f"process {run.pid} gone at {left.t:.2f} s, in the middle of the job"
    if run.end is None and not last:
        return f"started at {run.start.t:.2f} s, never ended, and was started again"
    return None
