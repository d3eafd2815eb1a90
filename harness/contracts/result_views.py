"""The law about the views of one job: its status, its events, and its record."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from harness.contract import Bound, contract
from harness.exits import outages
from harness.history import History, Observation
from harness.job_view import TERMINAL, JobView
from harness.verdict import Verdict, holds, inconclusive, merge, violated

#: How the names of the views begin that come by themselves.
EVENTS = "events of"

#: For each state, those that may be seen after it. Looks may miss states between.
_NEXT = {
    "pending": frozenset({"pending", "started", *TERMINAL}),
    "started": frozenset({"started", *TERMINAL}),
    **{ending: frozenset({ending}) for ending in TERMINAL},
}


@contract(
    id="result.views-agree",
    code="RES-002",
    claim="A job's status, its events and its record go through the same states; an "
    "ending never changes, and all of them tell it within the bound",
    user_sees="a job that is completed on one page and runs on another, or that was "
    "completed and has failed since",
    likely="several places write the state without looking at the one it had: a "
    "cancel, a late child, a signal handler; or one is missing (task_revoked)",
    source="pretix PR#2142, celery-progress#80; measured on 5.7: REVOKED is "
    "overwritten by a later SUCCESS",
    needs=("api", "socket", "job"),
    bounds={
        "t_term_s": Bound(10.0, "s", "from one view's ending to the others'; typ. 0.05")
    },
)
def views_agree(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Compare the views of each job with themselves and with one another."""
    return merge(
        (
            _changed(job, sights)
            or _apart(job, sights, bounds["t_term_s"])
            or _agreed(job, sights)
            for job in history.jobs
            if (sights := sorted(_sights(job), key=lambda s: s.seen.t))
            and len({sight.view for sight in sights}) > 1
        ),
        nothing="No job was seen in two views.",
    )


@dataclass(frozen=True)
class _Sight:
    """What one view said of a job; true of some moment since `asked_t`."""

    view: str
    word: str
    asked_t: float
    seen: Observation
    digest: str | None = None

    @property
    def ending(self) -> bool:
        return self.word in TERMINAL

    def __str__(self) -> str:
        return f"{self.view}: {self.word} at {self.seen.t:.2f} s"


def _sights(job: JobView) -> Iterator[_Sight]:
    for o in job.statuses:
        if o.get("code") and o["code"] != 410:  # expired is none of its states
            word = str(o.get("state") or f"code {o['code']}")
            word = "started" if word == "progress" else word
            asked_t = o.t - float(o.get("took_s") or 0.0)
            yield _Sight("status", word, asked_t, o, o.get("result_digest"))
    for o in job.named("probe.row"):
        asked_t = o.t - float(o.get("took_s") or 0.0)
        yield _Sight("record", str(o.get("state")), asked_t, o)
    for o in job.events:
        word = "started" if o.get("event") == "progress" else str(o.get("event"))
        yield _Sight(f"{EVENTS} {o.get('subscriber')}", word, o.t, o)


def _changed(job: JobView, sights: list[_Sight]) -> Verdict | None:
    """Return a verdict on a move that no job may make; None where there is none."""
    for view in dict.fromkeys(sight.view for sight in sights):
        mine = [sight for sight in sights if sight.view == view]
        for before, after in pairwise(_in_order(mine)):
            allowed = _allowed(job, before, after)
            moved = after.word not in allowed
            if not moved and not (before.ending and after.digest != before.digest):
                continue
            what = "state" if moved else "result"
            return violated(
                f"The {what} of a job changed to one that cannot follow: "
                f"{before.word}, then {after.word}.",
                expected=f"after {before}: {', '.join(sorted(allowed))}",
                observed=f"{after}{'' if moved else ', another result'}",
                evidence=(before.seen.line, after.seen.line),
                job=job.id,
            )
    return None


def _in_order(sights: list[_Sight]) -> list[_Sight]:
    """Return them without those that were asked for before another one's answer.

    Two threads of the harness ask: of answers under way at once nobody knows which
    one is older.
    """
    kept: list[_Sight] = []
    for sight in sights:
        if not kept or sight.asked_t >= kept[-1].seen.t:
            kept.append(sight)
    return kept


def _allowed(job: JobView, before: _Sight, after: _Sight) -> frozenset[str]:
    allowed = _NEXT.get(before.word, frozenset())
    again = any(run.start.t > after.asked_t for run in job.runs)
    return allowed | {"pending"} if again and not before.ending else allowed


def _apart(job: JobView, sights: list[_Sight], t_term_s: float) -> Verdict | None:
    """Return a verdict on views that tell different endings, or one of them none."""
    first = next((sight for sight in sights if sight.ending), None)
    if first is None:
        return inconclusive(
            "No view told an ending.",
            expected="an ending",
            observed=str(sights[-1]),
            job=job.id,
        )
    due_t = first.seen.t + t_term_s
    for begin, end in outages(job):  # nobody can tell while Redis or the API is out
        if begin <= due_t and end > first.seen.t:
            due_t = max(due_t, end + t_term_s)
    came_t = {f"{EVENTS} {s.name}": s.subscribed_t for s in job.subscribers}
    for view in dict.fromkeys(sight.view for sight in sights):
        mine = [sight for sight in sights if sight.view == view]
        view_due_t = max(due_t, came_t.get(view, 0.0) + t_term_s)
        other = next((s for s in mine if s.ending and s.word != first.word), None)
        wrong = other or _late(mine, view_due_t)
        if wrong is not None:
            return violated(
                f"Two views of a job do not agree: {first}; {wrong}.",
                expected=f"{first.word} in all views before {view_due_t:.2f} s",
                observed=str(wrong),
                evidence=(first.seen.line, wrong.seen.line),
                job=job.id,
                timed=other is None,
            )
        if not any(sight.ending for sight in mine):
            return _silent(job, view, first, mine[-1], view_due_t)
    return None


def _late(mine: list[_Sight], due_t: float) -> _Sight | None:
    """Return what one view said when it had to know the ending; None if it knew."""
    if mine[0].view.startswith(EVENTS):  # told again, all of them, to who comes late
        ending = next((s for s in mine if s.ending), None)
        return ending if ending is not None and ending.seen.t > due_t else None
    return next((s for s in mine if not s.ending and s.asked_t > due_t), None)


def _silent(
    job: JobView, view: str, first: _Sight, last: _Sight, due_t: float
) -> Verdict:
    """Judge a view that told no ending: events come by themselves, others are asked."""
    by_itself = view.startswith(EVENTS)
    late = by_itself and job.history.watched_until_s >= due_t
    return (violated if late else inconclusive)(
        f"One view of a job told no ending: {view}.",
        expected=f"{first.word} before {due_t:.2f} s, as {first}",
        observed=f"last {last}; watched until {job.history.watched_until_s:.2f} s",
        evidence=(first.seen.line, last.seen.line),
        job=job.id,
        timed=late,
        due_t=None if late or not by_itself else due_t,
    )


def _agreed(job: JobView, sights: list[_Sight]) -> Verdict:
    ends = [sight for sight in sights if sight.ending]
    views = list(dict.fromkeys(sight.view for sight in ends))
    first = [next(s for s in ends if s.view == view) for view in views]
    apart_s = max(s.seen.t for s in first) - min(s.seen.t for s in first)
    return holds(
        f"{ends[0].word} in {', '.join(views)}, {apart_s:.2f} s apart.",
        evidence=tuple(sight.seen.line for sight in first),
        measured={"t_term_s": apart_s},
        job=job.id,
    )
