"""Laws about what a page sees that was opened late."""

import itertools
from collections.abc import Mapping

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.job_view import JobView, SubscriberView, number
from harness.verdict import Verdict, holds, inconclusive, merge, violated


@contract(
    id="replay.late-subscriber",
    code="PROG-004",
    claim="A subscriber who comes late gets the whole story once and in order, and the "
    "ending if there is one",
    user_sees="a page opened late, or after the end, that waits for ever",
    likely="bare pub/sub: nothing is stored, so what was sent before the subscription "
    "is gone",
    source="Redis manual, Pub/Sub: at most once, nothing is stored",
    needs=("api", "socket", "job"),
    bounds={"replay_s": Bound(2.0, "s", "typical 0.05; 2 s is where people reload")},
)
def late_subscriber(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Compare each late subscriber with the earliest one of the same job."""
    return merge(
        (
            _same_story(job, late, bounds["replay_s"])
            for job in history.jobs
            for late in job.subscribers
            if late.late and not late.after  # who knows a part is sent the rest
        ),
        nothing="Nobody subscribed late.",
    )


def _same_story(job: JobView, late: SubscriberView, replay_s: float) -> Verdict:
    if not job.early:
        return inconclusive("Nobody watched from the beginning.", job=job.id)
    early = job.early[0]
    story, heard = early.known, late.known
    missed = [e for e in story if e.t <= late.subscribed_t]
    if not missed:
        return inconclusive(
            f"{late.name} missed nothing: no event came before.",
            expected=f"an event before {late.subscribed_t:.2f} s",
            observed=f"{early.name} saw {len(story)} events, all later",
            job=job.id,
        )
    unnumbered = [e for e in (*story, *heard) if number(e) is None]
    if unnumbered:
        return inconclusive(
            "Events without a number: nobody can tell which of them came late.",
            expected="a number on every event; `seq` among the target's socket.fields",
            observed=f"{len(unnumbered)} events have none",
            evidence=(unnumbered[0].line,),
            job=job.id,
        )
    order = [n for e in heard if (n := number(e))]
    for before, now in itertools.pairwise(order):
        if now <= before:
            what = "twice" if order.count(now) > 1 else "in the wrong order"
            return violated(
                f"{late.name} got event {now[1]} {what}.",
                expected="each event once, in the order of seq within an attempt",
                observed=f"seq {now[1]} after {before[1]}",
                evidence=tuple(e.line for e in heard if number(e) == now),
                job=job.id,
            )
    arrived = {number(e): e for e in heard}
    delays_s = []
    for event in story:
        due_t = max(event.t, late.subscribed_t) + replay_s
        copy = arrived.get(number(event))
        # Once a later event is there, an earlier one will not come any more.
        passed = any(n > (number(event) or n) for n in order)
        if copy is None and not passed and late.watched_until_s < due_t:
            return inconclusive(
                f"Watching stopped before event {event.get('seq')} was due at "
                f"{late.name}.",
                expected=f"watching until {due_t:.2f} s",
                observed=f"{late.watched_until_s:.2f} s",
                job=job.id,
                due_t=late.due(due_t),
            )
        if copy is None or copy.t > due_t:
            return _missing(job, late, event, copy, replay_s)
        if _said(copy) != _said(event):
            return violated(
                f"{late.name} got another event {event.get('seq')} than {early.name}.",
                expected=_said(event),
                observed=_said(copy),
                evidence=(event.line, copy.line),
                job=job.id,
            )
        delays_s.append(max(0.0, copy.t - max(event.t, late.subscribed_t)))
    worst_s = max(delays_s)
    return holds(
        f"{late.name} got all {len(story)} events, the slowest after {worst_s:.2f} s.",
        measured={"replay_s": worst_s},
        job=job.id,
    )


def _said(event: Observation) -> str:
    percent = event.get("percent")
    return f"{event['event']}" + ("" if percent is None else f" at {percent:g} %")


def _missing(
    job: JobView,
    late: SubscriberView,
    event: Observation,
    copy: Observation | None,
    replay_s: float,
) -> Verdict:
    told = "never" if copy is None else f"at {copy.t:.2f} s"
    what = f"{event['event']} (seq {event.get('seq')})"
    return violated(
        f"{late.name} came at {late.subscribed_t:.2f} s and "
        + (f"never got {what}." if copy is None else f"got {what} too late."),
        expected=f"every event within {replay_s:g} s of the subscription, seq "
        f"{event.get('seq')} among them",
        observed=f"{what} of {event.t:.2f} s: {told}; {len(late.events)} events in all",
        evidence=(event.line, *((copy.line,) if copy else ())),
        job=job.id,
        timed=True,
    )
