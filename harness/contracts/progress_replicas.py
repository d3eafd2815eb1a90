"""The law about several API processes that serve the same job's events."""

from collections import Counter
from collections.abc import Mapping

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.job_view import JobView, SubscriberView, number
from harness.verdict import Status, Verdict, holds, inconclusive, merge, violated


@contract(
    id="progress.one-copy-per-replica",
    code="PROG-007",
    claim="However many API processes serve, each client gets each event once",
    user_sees="each line of progress as often as there are servers, or a page that "
    "stays empty on every second load",
    likely="each server listens and sends on through a client manager that all share; "
    "or one of them alone listens, and sends to its own clients",
    source="python-socketio, issue 460: three servers, three copies of each event",
    needs=("api", "socket", "job"),
    bounds={
        "copy_s": Bound(2.0, "s", "from the first client to the last; typical 0.02"),
        "joined_s": Bound(0.5, "s", "until a subscription stands; typical 0.02"),
    },
)
def one_copy_per_replica(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Count the copies of each event at each client of a job with several servers."""
    jobs = [job for job in history.jobs if len({s.at for s in job.subscribers}) > 1]
    return merge(
        (_one_copy(job, bounds) for job in jobs),
        nothing="Nobody watched a job through two API processes.",
    )


def _one_copy(job: JobView, bounds: Mapping[str, float]) -> Verdict:
    events = [e for s in job.subscribers for e in s.known]
    unnumbered = [e for e in events if number(e) is None]
    if unnumbered:
        return inconclusive(
            "Events without a number: nobody can tell a copy from another event.",
            expected="a number on every event; `seq` among the target's socket.fields",
            observed=f"{len(unnumbered)} events have none",
            evidence=(unnumbered[0].line,),
            job=job.id,
        )
    first: dict[tuple[int, int] | None, Observation] = {}
    for event in sorted(events, key=lambda e: e.t):
        first.setdefault(number(event), event)
    told = [(s, _at_one(job, s, list(first.values()), bounds)) for s in job.subscribers]
    served = {s.at for s, verdict in told if verdict is not None}
    verdict = merge((v for _, v in told if v is not None), nothing="No event came.")
    if verdict.status is Status.HOLDS and len(served) < 2:
        return inconclusive(
            f"Only clients of {', '.join(served)} had an event to get.",
            expected="events while clients of two API processes watch",
            observed=f"clients at {', '.join(sorted({s.at for s in job.subscribers}))}",
            job=job.id,
        )
    return verdict


def _at_one(
    job: JobView,
    client: SubscriberView,
    first: list[Observation],
    bounds: Mapping[str, float],
) -> Verdict | None:
    """Judge what one client got; None where nothing came and nothing was due."""
    copies = Counter(number(e) for e in client.known)
    for event in first:
        if copies[number(event)] > 1:
            same = [e for e in client.known if number(e) == number(event)]
            return violated(
                f"{client.name} at {client.at} got event {event.get('seq')} "
                f"{len(same)} times.",
                expected="1 copy of each event at each client",
                observed=f"{len(same)} copies of {event['event']} (seq "
                f"{event.get('seq')}): " + ", ".join(f"at {e.t:.3f} s" for e in same),
                evidence=tuple(e.line for e in same),
                job=job.id,
            )
    since_t = client.subscribed_t + bounds["joined_s"]
    due = [e for e in first if e.t >= since_t]
    if client.unsubscribed_t is not None:
        due = [e for e in due if e.t + bounds["copy_s"] <= client.unsubscribed_t]
    arrived = {number(e): e for e in client.known}
    delays_s = []
    for event in due:
        copy, due_t = arrived.get(number(event)), event.t + bounds["copy_s"]
        if copy is None and client.watched_until_s < due_t:
            return inconclusive(
                f"Watching stopped before event {event.get('seq')} was due at "
                f"{client.name}.",
                expected=f"watching until {due_t:.2f} s",
                observed=f"{client.watched_until_s:.2f} s",
                job=job.id,
                due_t=client.due(due_t),
            )
        if copy is None or copy.t > due_t:
            got = "never" if copy is None else f"at {copy.t:.2f} s"
            return violated(
                f"{client.name} at {client.at} did not get event {event.get('seq')}.",
                expected=f"every event within {bounds['copy_s']:g} s of the first "
                "client that got it",
                observed=f"{event['event']} (seq {event.get('seq')}) reached "
                f"{event['subscriber']} at {event.t:.2f} s, and {client.name} {got}",
                evidence=(event.line, *((copy.line,) if copy else ())),
                job=job.id,
                timed=True,
            )
        delays_s.append(copy.t - event.t)
    if not client.known:
        return None
    return holds(
        f"{client.name} at {client.at} got each of {len(copies)} events once.",
        measured={"copy_s": max(delays_s, default=0.0)},
        job=job.id,
    )
