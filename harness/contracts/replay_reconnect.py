"""The law about a page that loses its connection and comes back."""

import itertools
from collections.abc import Mapping

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.job_view import TERMINAL, JobView, SubscriberView, number
from harness.verdict import Verdict, holds, inconclusive, merge, violated

#: The connections of one page, one after the other.
View = list[SubscriberView]


@contract(
    id="replay.after-reconnect",
    code="PROG-006",
    claim="A page that loses its connection, or its API process, and comes back has in "
    "the end every event of the job once",
    user_sees="a page that stands still after the laptop woke up or the server was "
    "updated, or that shows the same steps again",
    likely="the room is joined once, at page load; or what was sent meanwhile is kept "
    "nowhere; or nobody asks the page how far it had come",
    source="Socket.IO manual, delivery guarantees: at most once; what is sent during a "
    "disconnection is lost, unless the application keeps an offset",
    needs=("api", "socket", "job"),
    bounds={"replay_s": Bound(2.0, "s", "typical 0.05; 2 s is where people reload")},
)
def after_reconnect(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Put the connections of each page together, and compare with what anybody saw."""
    return merge(
        (
            _in_the_end(job, view, bounds["replay_s"])
            for job in history.jobs
            for view in _views(job)
            if len(view) > 1
        ),
        nothing="Nobody lost a connection and came back.",
    )


def _views(job: JobView) -> list[View]:
    views: list[View] = []
    for subscriber in job.subscribers:
        for view in views:
            if subscriber.resumes == view[-1].name:
                view.append(subscriber)
                break
        else:
            views.append([subscriber])
    return views


def _in_the_end(job: JobView, view: View, replay_s: float) -> Verdict:
    page = view[0].name
    everything = [e for s in job.subscribers for e in s.known]
    unnumbered = [e for e in everything if number(e) is None]
    if unnumbered:
        return inconclusive(
            "Events without a number: nobody can tell which of them are missing.",
            expected="a number on every event; `seq` among the target's socket.fields",
            observed=f"{len(unnumbered)} events have none",
            evidence=(unnumbered[0].line,),
            job=job.id,
        )
    doubled = _doubled(job, view)
    if doubled is not None:
        return doubled
    story: dict[tuple[int, int] | None, Observation] = {}
    for event in sorted(everything, key=lambda e: e.t):
        story.setdefault(number(event), event)
    missed = [e for e in story.values() if _missed(e, view)]
    if not missed:
        return inconclusive(
            f"{page} missed nothing: no event came while it was away.",
            expected="an event at somebody else meanwhile",
            observed="none " + " or ".join(_absences(view)),
            job=job.id,
        )
    return _complete(job, view, list(story.values()), len(missed), replay_s)


def _missed(event: Observation, view: View) -> bool:
    """Return whether others saw it while the page had no connection."""
    for gone, back in itertools.pairwise(view):
        had = any(number(e) == number(event) for e in gone.known)
        if not had and gone.watched_until_s <= event.t <= back.subscribed_t:
            return True
    return False


def _absences(view: View) -> list[str]:
    return [
        f"from {gone.watched_until_s:.2f} s to {back.subscribed_t:.2f} s"
        for gone, back in itertools.pairwise(view)
    ]


def _doubled(job: JobView, view: View) -> Verdict | None:
    """Find what came twice on one connection, or though the page said it knows it.

    A page that does not say what it knows is sent all again, and leaves out what it
    has. An ending may be told again: who asks for it is not left without.
    """
    known: list[tuple[int, int]] = []
    for connection in view:
        last = max(known, default=None) if connection.after else None
        for event in connection.known:
            now = number(event)
            assert now is not None
            if last is not None and now <= last and event["event"] not in TERMINAL:
                said = connection.after
                return violated(
                    f"{connection.name} got event {event.get('seq')} again.",
                    expected="each event once, in the order of seq",
                    observed=f"seq {event.get('seq')} at {event.t:.2f} s, after "
                    f"{last[1]}" + (f"; it had said that it knows {said}" * bool(said)),
                    evidence=(event.line,),
                    job=job.id,
                )
            last = now
        known += [n for e in connection.known if (n := number(e))]
    return None


def _complete(
    job: JobView, view: View, story: list[Observation], missed: int, replay_s: float
) -> Verdict:
    last = view[-1]
    arrived = {number(e): e for s in reversed(view) for e in reversed(s.known)}
    numbers = [n for e in last.known if (n := number(e))]
    delays_s = [0.0]
    for event in story:
        since_t = max(event.t, last.subscribed_t)
        copy = arrived.get(number(event))
        # Once a later event is there, an earlier one will not come any more.
        passed = any(n > (number(event) or n) for n in numbers)
        if copy is None and not passed and last.watched_until_s < since_t + replay_s:
            return inconclusive(
                f"Watching stopped before event {event.get('seq')} was due at "
                f"{last.name}.",
                expected=f"watching until {since_t + replay_s:.2f} s",
                observed=f"{last.watched_until_s:.2f} s",
                job=job.id,
                due_t=last.due(since_t + replay_s),
            )
        if copy is None or copy.t > since_t + replay_s:
            told = "never" if copy is None else f"at {copy.t:.2f} s"
            what = f"{event['event']} (seq {event.get('seq')})"
            return violated(
                f"{view[0].name} came back at {last.subscribed_t:.2f} s and "
                + (f"never got {what}." if copy is None else f"got {what} too late."),
                expected=f"every event within {replay_s:g} s of coming back",
                observed=f"{what} of {event.t:.2f} s: {told}; it was away "
                + " and ".join(_absences(view)),
                evidence=(event.line, *((copy.line,) if copy else ())),
                job=job.id,
                timed=True,
            )
        delays_s.append(copy.t - since_t)
    return holds(
        f"{view[0].name} has all {len(story)} events, {missed} of them of the time it "
        f"was away, the slowest after {max(delays_s):.2f} s.",
        measured={"replay_s": max(delays_s)},
        job=job.id,
    )
