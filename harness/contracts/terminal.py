"""Laws about the one last event of a job."""

from collections.abc import Mapping

from harness.contract import Bound, contract
from harness.exits import DEATHS, Exit, deadline_t, exits, outages
from harness.history import History
from harness.job_view import JobView, SubscriberView
from harness.verdict import Verdict, holds, inconclusive, merge, violated


@contract(
    id="terminal.exactly-one",
    code="PROG-002",
    claim="A job has exactly one terminal event; it is the last one, and all "
    "subscribers see the same",
    user_sees="a job that ends twice, ends differently for two people, or goes on "
    "after its end",
    likely="several places write an ending (job, worker, cancel) and none of them "
    "checks whether there is one; Celery 5.7 reports a hard limit twice",
    source="Celery 5.7, measured: task_failure fires twice on one hard time limit",
    needs=("api", "socket", "job"),
    bounds={
        "quiet_s": Bound(
            1.0, "s", "watching after the ending; 20x a second event's way"
        )
    },
)
def exactly_one(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Count the endings of each job at each subscriber; compare them."""
    jobs = [job for job in history.jobs if job.subscribers]
    return merge(
        (verdict for job in jobs for verdict in _one_ending(job, bounds["quiet_s"])),
        nothing="Nobody watched an accepted job.",
    )


def _one_ending(job: JobView, quiet_s: float) -> list[Verdict]:
    verdicts = [_at_one_subscriber(job, s, quiet_s) for s in job.subscribers]
    endings = {(e["event"], e.get("reason")) for e in job.terminals}
    if len(endings) > 1:
        told = "; ".join(
            f"{s.name}: {s.terminal['event']} {s.terminal.get('reason') or ''}".strip()
            for s in job.subscribers
            if s.terminal
        )
        verdicts.append(
            violated(
                "Two subscribers saw different endings.",
                expected="the same ending for everybody",
                observed=told,
                evidence=tuple(e.line for e in job.terminals),
                job=job.id,
            )
        )
    return verdicts


def _at_one_subscriber(
    job: JobView, subscriber: SubscriberView, quiet_s: float
) -> Verdict:
    name, endings = subscriber.name, subscriber.terminals
    if not endings:
        return inconclusive(
            f"{name} saw no ending.",
            expected="exactly 1 terminal event",
            observed=f"0 in {len(subscriber.events)} events, watched until "
            f"{subscriber.watched_until_s:.2f} s",
            job=job.id,
        )
    if len(endings) > 1:
        return violated(
            f"{name} saw {len(endings)} endings.",
            expected="exactly 1 terminal event",
            observed=", ".join(f"{e['event']} at {e.t:.2f} s" for e in endings),
            evidence=tuple(e.line for e in endings),
            job=job.id,
        )
    ending, last = endings[0], subscriber.events[-1]
    if last is not ending:
        return violated(
            f"{name} saw the job go on after its end.",
            expected=f"nothing after {ending['event']}",
            observed=f"{last['event']} (seq {last.get('seq')}) at {last.t:.2f} s, "
            f"{last.t - ending.t:.2f} s later",
            evidence=(ending.line, last.line),
            job=job.id,
        )
    watched_s = subscriber.watched_until_s - ending.t
    if watched_s < quiet_s:
        return inconclusive(
            f"Nobody watched long enough after the ending at {name}.",
            expected=f"{quiet_s:g} s of watching after it",
            observed=f"{watched_s:.2f} s",
            evidence=(ending.line,),
            job=job.id,
            due_t=subscriber.due(ending.t + quiet_s),
        )
    return holds(
        f"{name} saw one ending, {ending['event']}, and nothing after it.",
        evidence=(ending.line,),
        job=job.id,
    )


@contract(
    id="terminal.every-exit",
    code="PROG-003",
    claim="Whatever ends a job, its subscribers get the ending that fits, in time",
    user_sees="a job that runs for ever, or that is wrong about how it ended",
    likely="the ending is written only by the job itself, so a killed process, a hard "
    "limit or a cancel leaves none",
    source="Celery manual, workers guide (time limits, revoke); measured: a killed "
    "main process reports nothing, a killed child up to 5 s late",
    needs=("api", "socket", "job"),
    bounds={
        "t_term_s": Bound(
            10.0, "s", "after return, raise, soft limit, cancel; typical < 1"
        ),
        "child_lost_s": Bound(
            16.0, "s", "a dead child shows up to 6 s late, then 10 s"
        ),
        "main_lost_s": Bound(20.0, "s", "lease and scan of the reconciler, then 10 s"),
        "race_s": Bound(1.5, "s", "a second exit this soon after the first may win"),
    },
)
def every_exit(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Find what ended each job, then look for its ending at those who watched."""
    return merge(
        (
            _ended_in_time(job, subscriber, bounds)
            for job in history.jobs
            for subscriber in job.early
        ),
        nothing="Nobody watched an accepted job from its beginning.",
    )


def _ended_in_time(
    job: JobView, subscriber: SubscriberView, bounds: Mapping[str, float]
) -> Verdict:
    causes = [e for e in exits(job) if e.t <= subscriber.watched_until_s]
    ending = subscriber.terminal
    if not causes:
        seen = f"{ending['event']} at {ending.t:.2f} s" if ending else "no ending"
        return inconclusive(
            "No exit of the job was seen, so no ending can be judged.",
            expected="a return, an error, a limit, a cancel or a death",
            observed=f"none until {subscriber.watched_until_s:.2f} s; {seen}",
            job=job.id,
            due_t=subscriber.due(min((e.t for e in exits(job)), default=None)),
        )
    relevant = _relevant(causes, bounds)
    latest_t, cause = deadline_t(relevant, outages(job), bounds)
    first = relevant[0]
    fits = frozenset[str]().union(*(e.endings for e in relevant))
    wanted = " or ".join(sorted(fits))
    expected = (
        f"{wanted} within {bounds[cause.bound]:g} s of {cause.cause} at {cause.t:.2f} s"
    )
    lines = tuple(line for line in (first.line, cause.line) if line)
    evidence = tuple(dict.fromkeys(lines))
    if ending is None or ending.t > latest_t:
        return _late(job, subscriber, latest_t, expected, evidence)
    evidence = (*evidence, ending.line)
    if ending["event"] not in fits:
        return violated(
            f"{subscriber.name} was told {ending['event']} after {first.cause}.",
            expected=expected,
            observed=f"{ending['event']} {ending.get('reason') or ''}".strip()
            + f" at {ending.t:.2f} s",
            evidence=evidence,
            job=job.id,
        )
    if ending["event"] == "failed" and not (
        ending.get("reason") or ending.get("error")
    ):
        return violated(
            f"{subscriber.name} was told failed without a reason.",
            expected="failed with a reason",
            observed=f"failed at {ending.t:.2f} s, reason and error empty",
            evidence=evidence,
            job=job.id,
        )
    since_t = latest_t - bounds[cause.bound]
    return holds(
        f"{ending['event']} {max(0.0, ending.t - since_t):.2f} s after {cause.cause}.",
        evidence=evidence,
        measured={cause.bound: max(0.0, ending.t - since_t)},
        job=job.id,
    )


def _relevant(causes: list[Exit], bounds: Mapping[str, float]) -> list[Exit]:
    """Return the first exit and those that can still decide: rivals and deaths."""
    first = causes[0]
    until_t = first.t + bounds[first.bound]
    return [
        e
        for e in causes
        if e.t <= first.t + bounds["race_s"] or (e.cause in DEATHS and e.t <= until_t)
    ]


def _late(
    job: JobView,
    subscriber: SubscriberView,
    latest_t: float,
    expected: str,
    evidence: tuple[int, ...],
) -> Verdict:
    ending, last = subscriber.terminal, next(reversed(subscriber.events), None)
    told = f"{ending['event']} at {ending.t:.2f} s" if ending else "no ending"
    heard = f"last event {last['event']} at {last.t:.2f} s" if last else "no event"
    observed = f"{told}; {heard}; watched until {subscriber.watched_until_s:.2f} s"
    if ending is None and subscriber.watched_until_s < latest_t:
        return inconclusive(
            f"Watching stopped before the ending was due at {latest_t:.2f} s.",
            expected=expected,
            observed=observed,
            evidence=evidence,
            job=job.id,
            due_t=subscriber.due(latest_t),
        )
    return violated(
        f"{subscriber.name} got no ending in time."
        if ending is None
        else f"{subscriber.name} got the ending {ending.t - latest_t:.2f} s too late.",
        expected=expected,
        observed=observed,
        evidence=(*evidence, *((last.line,) if last else ())),
        job=job.id,
        timed=True,
    )
