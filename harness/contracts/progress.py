"""Laws about the progress people see while a job works."""

from collections.abc import Mapping

from harness.contract import contract
from harness.history import History, Observation
from harness.job_view import JobView, SubscriberView
from harness.verdict import Status, Verdict, holds, inconclusive, merge, violated


@contract(
    id="progress.never-goes-back",
    code="PROG-001",
    claim="Within an attempt every subscriber sees the event number rise and the "
    "percentage never fall; 100 % comes with completion alone",
    user_sees="a progress bar that jumps back, repeats itself, or says 100 % on a job "
    "that is not done",
    likely="two writers of progress without a common counter, a percentage reset per "
    "phase or on failure, or a final 'done' reported from inside the job",
    source="Socket.IO manual, delivery guarantees: order holds per connection only, so "
    "the application numbers its events itself",
    needs=("api", "socket", "job"),
)
def never_goes_back(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Compare each event with the ones before it, per subscriber and attempt."""
    watched = [(job, s) for job in history.jobs for s in job.subscribers]
    verdict = merge(
        (_forward(job, s) for job, s in watched if s.events),
        nothing="Nobody saw an event of any job.",
    )
    if verdict.status is not Status.HOLDS:
        return verdict
    percents = max(_percents(s) for _, s in watched)
    if percents < 2:
        return inconclusive(
            "Fewer than two percentages: nothing to compare.",
            expected="at least 2 progress events with one, at one subscriber",
            observed=f"{percents} at most",
        )
    events = [e for _, s in watched for e in s.events if e.get("event")]
    unnumbered = [e for e in events if e.get("seq") is None]
    if unnumbered:
        return inconclusive(
            "Events without a number: nobody can tell whether one is missing or old.",
            expected="a number on every event; `seq` among the target's socket.fields",
            observed=f"{len(unnumbered)} of {len(events)} events have none",
            evidence=(unnumbered[0].line,),
        )
    return verdict


def _percents(subscriber: SubscriberView) -> int:
    return sum(
        e["event"] == "progress" and e.get("percent") is not None
        for e in subscriber.events
    )


def _forward(job: JobView, subscriber: SubscriberView) -> Verdict:
    before: Observation | None = None
    highest = -1.0
    for event in subscriber.events:
        if before is not None and _attempt(event) != _attempt(before):
            if _attempt(event) < _attempt(before):
                return _back(job, subscriber, before, event, "attempt")
            before, highest = None, -1.0
        if before is not None and _falls(before.get("seq"), event.get("seq")):
            return _back(job, subscriber, before, event, "seq")
        percent = event.get("percent")
        if percent is not None:
            if before is not None and percent < highest:
                return _back(job, subscriber, before, event, "percent", highest)
            if percent >= 100 and event["event"] != "completed":
                return violated(
                    f"{subscriber.name} saw {percent:g} % on an event "
                    f"'{event['event']}'.",
                    expected="100 % with completed alone",
                    observed=f"{percent:g} % with {event['event']} "
                    f"(seq {event.get('seq')}) at {event.t:.2f} s",
                    evidence=(event.line,),
                    job=job.id,
                )
            highest = max(highest, percent)
        before = event
    return holds(
        f"{subscriber.name} saw {len(subscriber.events)} events, all going forward.",
        job=job.id,
    )


def _attempt(event: Observation) -> int:
    return int(event.get("attempt") or 1)


def _falls(before: int | None, now: int | None) -> bool:
    """Return whether a number that rises strictly did not."""
    return before is not None and now is not None and now <= before


def _back(
    job: JobView,
    subscriber: SubscriberView,
    before: Observation,
    event: Observation,
    what: str,
    highest: float | None = None,
) -> Verdict:
    was = highest if highest is not None else before.get(what)
    rule = "never falls" if what == "percent" else "rises with every event"
    rule = "never goes back" if what == "attempt" else rule
    return violated(
        f"{subscriber.name} saw {what} go from {was} to {event.get(what)}.",
        expected=f"{what} {rule} within attempt {_attempt(event)}",
        observed=f"{what} {event.get(what)} ({event['event']}) at {event.t:.2f} s, "
        f"after {was} at {before.t:.2f} s or before",
        evidence=(before.line, event.line),
        job=job.id,
    )
