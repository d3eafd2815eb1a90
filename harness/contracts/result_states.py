"""The law about what the status of a job tells apart."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.contract import Bound, contract
from harness.exits import exits
from harness.history import History, Observation
from harness.job_view import JobView
from harness.verdict import Verdict, holds, inconclusive, violated

UNKNOWN, EXPIRED = "unknown", "expired"

#: HTTP codes that say something about a job without a body.
_CODES = {404: UNKNOWN, 410: EXPIRED}


@contract(
    id="result.states-are-told-apart",
    code="RES-001",
    claim="The status of a job tells apart: unknown (404), waiting, running, "
    "completed, failed, cancelled, and expired (410)",
    user_sees="a mistyped or long forgotten job that waits for ever, or a cancelled "
    "one that failed",
    likely="the state comes from AsyncResult, which calls pending whatever it does "
    "not know, and a cancelled task one that failed with TaskRevokedError",
    source="Celery manual, AsyncResult.state; celery#4450, #3596; measured on 5.7: an "
    "unknown and an expired id are PENDING",
    needs=("api", "job", "journal"),
    bounds={
        "settle_s": Bound(
            1.0, "s", "around a change either answer is right; typ. 0.02"
        ),
        "t_term_s": Bound(10.0, "s", "from the work's exit to its ending; typical < 1"),
    },
)
def states_are_told_apart(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Compare each answer with what ledger and journal say of that moment."""
    told: dict[str, Observation] = {}
    for answer in history.of(source="driver", kind="status"):
        if not answer.job or not answer.get("code"):
            continue  # nobody answered
        said, right = _said(answer), _right(history, answer, bounds)
        if right and said not in right:
            return violated(
                f"A job that was {' or '.join(sorted(right))} was told {said}.",
                expected=f"{' or '.join(sorted(right))} at {answer.t:.2f} s",
                observed=f"{said}: code {answer['code']}, state {answer.get('state')}",
                evidence=(answer.line,),
                job=answer.job,
            )
        if right:
            told.setdefault(said, answer)
    seen = ", ".join(sorted(told)) or "nothing"
    evidence = tuple(sorted(answer.line for answer in told.values()))
    if len(told) < 2:
        return inconclusive(
            "The status of jobs in different states was not asked for.",
            expected="answers about at least two states",
            observed=seen,
            evidence=evidence,
        )
    return holds(f"Told apart: {seen}.", evidence=evidence)


def _said(answer: Observation) -> str:
    code, state = int(answer["code"]), answer.get("state")
    if code in _CODES:
        return _CODES[code]
    if code != 200 or state is None:
        return f"code {code} without a state"
    return "started" if state == "progress" else str(state)


@dataclass(frozen=True)
class _Phase:
    """From when to when an answer is right, in seconds."""

    since_t: float
    until_t: float
    words: frozenset[str]


def _right(
    history: History, answer: Observation, bounds: Mapping[str, float]
) -> frozenset[str]:
    """Return the words that are right about the job then; none where nobody knows."""
    job = history.job(str(answer.job))
    expired = next(
        (o for o in job.named("harness.situation") if o["name"] == "result.expired"),
        None,
    )
    if expired is not None and expired.t <= answer.t:
        return frozenset({EXPIRED})
    if not job.accepted:
        return frozenset({UNKNOWN})
    begin = answer.t - float(answer.get("took_s") or 0.0) - bounds["settle_s"]
    end = answer.t + bounds["settle_s"]
    found = [
        phase.words
        for phase in _phases(job, bounds["t_term_s"])
        if phase.since_t <= end and phase.until_t >= begin
    ]
    return frozenset[str]().union(*found)


def _phases(job: JobView, t_term_s: float) -> Iterator[_Phase]:
    """Yield when the job waited, ran, and had ended, by ledger and journal."""
    since_t = 0.0
    ended = exits(job)
    over_t = min((e.t for e in ended), default=math.inf)
    for number, run in enumerate(job.runs, 1):
        yield _Phase(since_t, run.start.t, frozenset({"pending"}))
        last = number == len(job.runs)
        ends = [end.t for end in run.ends] + ([run.killed.t] if run.killed else [])
        # Of a process that is gone the ending comes late.
        until_t = max(ends, default=math.inf) + (t_term_s if last else 0.0)
        yield _Phase(run.start.t, until_t, frozenset({"started"}))
        since_t = min(ends, default=math.inf)
    if not job.runs:
        yield _Phase(0.0, over_t + t_term_s, frozenset({"pending"}))
    for exit in ended:
        yield _Phase(exit.t, math.inf, exit.endings)
