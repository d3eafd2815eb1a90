"""Laws about a submit while Redis is away: its own answer, and those of others."""

import math
from collections.abc import Mapping, Sequence

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.outage_view import Submission, while_away
from harness.verdict import Verdict, holds, inconclusive, merge, violated

#: Seconds for which the harness stands still before what it asked then is left out.
STALLED_S = 0.1


@contract(
    id="submit.answers-in-time",
    code="SUB-001",
    claim="A submit is answered in time, with a job's id or a 503, when Redis refuses "
    "and when it hangs",
    user_sees="a page that waits for minutes after a click, and then shows an error "
    "of the proxy before it",
    likely="publishing has Celery's own time-outs; or the broker is bounded and the "
    "result backend, or another client of Redis in the same request, is not",
    source="celery#4296, #4663, #6911; measured on 5.7 without bounds: `.delay()` "
    "blocks 19.1 s with a Redis that refuses, more than 40 s with a frozen one",
    needs=("api", "job"),
    bounds={"t_submit_s": Bound(2.0, "s", "typical 0.01, and 1.3 where it hangs")},
)
def answers_in_time(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at every submit that was sent while Redis or the broker was away."""
    sent = while_away(history)
    verdicts = [_in_time(one, bounds["t_submit_s"]) for one in sent]
    for what, hangs in (("refused", False), ("did not answer", True)):
        if not any(one.hangs is hangs for one in sent):
            verdicts.append(
                inconclusive(
                    f"Nothing was submitted while Redis {what}.",
                    expected="submits while Redis refuses, and while it hangs",
                    observed=f"{len(sent)} submits while it was away",
                )
            )
    return merge(verdicts, nothing="")


def _in_time(one: Submission, t_submit_s: float) -> Verdict:
    code = one.answer.get("code")
    late = code is None or one.took_s > t_submit_s
    if late or not (one.accepted or code == 503):
        return violated(
            "A submit was not answered in time while Redis was away."
            if late
            else "A submit was answered with an error that is none of the user's.",
            expected=f"a job's id or 503 within {t_submit_s:g} s",
            observed=f"{one.told}; fault {one.fault.get('fault')}",
            evidence=one.evidence,
            measured={"t_submit_s": one.took_s},
            job=one.answer.job,
            timed=late,
        )
    return holds(
        f"Answered {code} after {one.took_s:.2f} s.",
        evidence=one.evidence,
        measured={"t_submit_s": one.took_s},
        job=one.answer.job,
    )


@contract(
    id="submit.does-not-block-others",
    code="SUB-002",
    claim="While a submit waits for a Redis that hangs, the same API answers others "
    "as ever",
    user_sees="the whole application stands still, for everybody, because one person "
    "has clicked on start",
    likely="an `async def` handler publishes directly, so the event loop waits for "
    "Redis; or what should need nothing, a health check, asks Redis too",
    source="Nojoin PR#160: an idle endpoint waited 18.99 s; Artemis PR#2418",
    needs=("api", "job"),
    bounds={
        "p99_s": Bound(0.25, "s", "99 of 100 answers; typical 0.02 on 2 busy cores"),
        "stall_s": Bound(0.5, "s", "a submit that takes less has not waited"),
        "asked": Bound(40.0, "times", "fewer say nothing about 99 of 100"),
    },
    leaves_out_stalls=True,
)
def does_not_block_others(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at the health that was asked for while submits waited."""
    waited = [one for one in while_away(history) if one.took_s >= bounds["stall_s"]]
    # Who asks may stand still as well, and then every answer is late.
    stalls = history.stalls(above_s=STALLED_S)
    asked = [
        o
        for o in history.of(source="probe", kind="health")
        if any(_meanwhile(o, one) for one in waited)
        and not any(stall.since_t <= o.t and _due_t(o) <= stall.t for stall in stalls)
    ]
    if len(asked) < bounds["asked"]:
        return inconclusive(
            "The API was hardly asked for anything while a submit waited."
            if waited
            else "No submit had to wait for Redis.",
            expected=f"{bounds['asked']:g} questions meanwhile",
            observed=f"{len(waited)} submits waited, {len(asked)} questions",
        )
    p99_s = _p99([math.inf if o.get("code") != 200 else o["late_s"] for o in asked])
    worst = max(asked, key=lambda o: float(o["late_s"]))
    evidence = (waited[0].answer.line, worst.line)
    if p99_s > bounds["p99_s"]:
        failed = sum(o.get("code") != 200 for o in asked)
        return violated(
            "The API kept others waiting while a submit waited for Redis.",
            expected=f"99 of 100 answers within {bounds['p99_s']:g} s",
            observed=f"{p99_s:.2f} s; the latest of {len(asked)} after "
            f"{worst['late_s']:.2f} s, {failed} without a 200",
            evidence=evidence,
            measured={} if math.isinf(p99_s) else {"p99_s": p99_s},
            timed=True,
        )
    return holds(
        f"99 of 100 answers within {p99_s:.3f} s while {len(waited)} submits waited.",
        evidence=evidence,
        measured={"p99_s": p99_s},
    )


def _meanwhile(asked: Observation, one: Submission) -> bool:
    same = asked.get("api") == one.answer.get("api")
    return same and one.sent_t <= _due_t(asked) <= one.answer.t


def _due_t(asked: Observation) -> float:
    return asked.t - float(asked["late_s"])


def _p99(values: Sequence[float]) -> float:
    return sorted(values)[math.ceil(0.99 * len(values)) - 1]
