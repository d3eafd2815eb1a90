"""The law about a job whose events have nowhere to go for a while."""

from collections.abc import Mapping

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.job_view import JobView, Run, SubscriberView
from harness.outages import healed_t
from harness.verdict import Verdict, holds, inconclusive, merge, violated

#: What takes Redis from everybody, and what takes it from a part.
_OF_REDIS = ("pause", "pause_writes", "redis_stop", "redis_restart")
_OF_A_LINK = ("black_hole", "refuse")


@contract(
    id="progress.lost-transport-does-not-stop-the-job",
    code="PROG-008",
    claim="A job goes on while Redis takes no events, a second slower at most, and its "
    "ending is told when Redis is back",
    user_sees="a job that fails, or stands still for as long as Redis is away, though "
    "nothing of its work needs Redis",
    likely="progress is sent from the inner loop, by a client that waits for long; or "
    "what goes wrong there is the job's own error",
    source="measured on 5.7: a stopped Redis holds up RedisManager.emit for 10 s, and "
    "then the event is dropped in silence",
    needs=("api", "socket", "job", "journal"),
    bounds={
        "delay_s": Bound(1.0, "s", "longer than the same job in health; typical 0.2"),
        "lost_s": Bound(0.2, "s", "of the run without Redis: one report at least"),
        "told_s": Bound(10.0, "s", "from run and outage to the ending; typical 0.5"),
    },
)
def lost_transport_does_not_stop_the_job(
    history: History, bounds: Mapping[str, float]
) -> Verdict:
    """Compare each job that ran while Redis was away with the same job in health."""
    return merge(
        (
            _went_on(job, outage, bounds)
            for job in history.jobs
            for outage in _outages(job)
            if job.runs and job.runs[0].start.t < outage[0].t < _ended_t(job.runs[0])
        ),
        nothing="Redis was never away while a job ran.",
    )


def _outages(job: JobView) -> list[tuple[Observation, float]]:
    """Return the faults that take Redis from the worker, and when each was healed."""
    found = []
    for fault in job.history.of(source="fault", kind="injected"):
        name, role = fault.get("fault"), (fault.get("victim") or {}).get("role")
        all_of_it = name in _OF_REDIS and role == "redis"
        its_own = name in _OF_A_LINK and str(role).startswith("worker")
        if fault.get("bit") and (all_of_it or its_own):
            found.append((fault, healed_t(job.history, fault)))
    return found


def _ended_t(run: Run) -> float:
    return run.end.t if run.end else float("inf")


def _in_health(job: JobView) -> list[float]:
    """Return the seconds that the same request took while Redis was there."""
    sent = job.submitted
    return [
        run.end.t - run.start.t
        for other in job.history.jobs
        for run in other.runs
        if other.id != job.id
        and sent is not None
        and other.submitted is not None
        and other.job_kind == job.job_kind
        and other.submitted.get("request") == sent.get("request")
        and run.end is not None
        and run.succeeded
        and not any(
            fault.t < run.end.t and healed > run.start.t
            for fault, healed in _outages(other)
        )
    ]


def _went_on(
    job: JobView, outage: tuple[Observation, float], bounds: Mapping[str, float]
) -> Verdict:
    fault, back_t = outage
    run, in_health = job.runs[0], _in_health(job)
    if not in_health:
        return inconclusive(
            "The same job was not seen in health: nothing to compare with.",
            expected="a run of the same request with Redis there",
            observed=f"none; {job.job_kind} ran through {fault.get('fault')} alone",
            job=job.id,
        )
    longest_s = max(in_health) + bounds["delay_s"]
    expected = f"a run of {longest_s:.2f} s at most: {max(in_health):.2f} s as in "
    expected += f"health, and {bounds['delay_s']:g} s more"
    watched_s = job.history.watched_until_s - run.start.t
    evidence = (run.start.line, fault.line, *((run.end.line,) if run.end else ()))
    if run.end is None and watched_s < longest_s:
        return inconclusive(
            "Watching stopped while the job could still be in time.",
            expected=expected,
            observed=f"watched for {watched_s:.2f} s of the run",
            evidence=evidence,
            job=job.id,
            due_t=run.start.t + longest_s,
        )
    took_s = run.end.t - run.start.t if run.end else watched_s
    observed = f"{run.how or 'still running'} after {took_s:.2f} s; Redis was away "
    observed += f"from {fault.t:.2f} s to {back_t:.2f} s ({fault.get('fault')})"
    if len(job.runs) > 1 or (run.end and not run.succeeded):
        what = "was executed again" if run.succeeded or not run.end else "failed"
        return violated(
            f"A job {what} because Redis took no events.",
            expected=expected,
            observed=f"{observed}; {len(job.runs)} executions",
            evidence=evidence,
            job=job.id,
            timed="time_limit" in str(run.how),
        )
    if took_s > longest_s:
        return violated(
            f"Redis held up a job for {took_s - max(in_health):.2f} s.",
            expected=expected,
            observed=observed,
            evidence=evidence,
            job=job.id,
            timed=True,
        )
    lost_s = min(_ended_t(run), back_t) - fault.t
    if lost_s < bounds["lost_s"]:
        return inconclusive(
            "Redis was away too shortly while the job ran.",
            expected=f"{bounds['lost_s']:g} s of the run without Redis",
            observed=f"{lost_s:.2f} s",
            evidence=evidence,
            job=job.id,
        )
    told = [_told(job, s, max(_ended_t(run), back_t), bounds) for s in job.early]
    measured = {"delay_s": max(0.0, took_s - max(in_health))}
    went_on = holds(
        f"It took {took_s:.2f} s, {lost_s:.2f} s of it without Redis.",
        evidence=evidence,
        measured=measured,
        job=job.id,
    )
    return merge([*told, went_on], nothing="")


def _told(
    job: JobView, page: SubscriberView, since_t: float, bounds: Mapping[str, float]
) -> Verdict:
    """Judge the ending that one who watched was told."""
    ending, latest_t = page.terminal, since_t + bounds["told_s"]
    expected = f"completed until {latest_t:.2f} s"
    if ending is None and page.watched_until_s < latest_t:
        return inconclusive(
            f"Watching stopped before the ending was due at {page.name}.",
            expected=expected,
            observed=f"watched until {page.watched_until_s:.2f} s",
            job=job.id,
            due_t=page.due(latest_t),
        )
    if ending is None or ending["event"] != "completed" or ending.t > latest_t:
        told = f"{ending['event']} at {ending.t:.2f} s" if ending else "no ending"
        return violated(
            f"{page.name} was not told that the job is done.",
            expected=expected,
            observed=told,
            evidence=(ending.line,) if ending else (),
            job=job.id,
            timed=True,
        )
    return holds(
        f"{page.name} was told.",
        evidence=(ending.line,),
        measured={"told_s": max(0.0, ending.t - since_t)},
        job=job.id,
    )
