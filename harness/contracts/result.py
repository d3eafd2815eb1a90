"""Laws about the result a client fetches."""

from collections.abc import Mapping

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.job_view import JobView
from harness.verdict import Verdict, holds, inconclusive, merge, violated


@contract(
    id="result.ready-when-announced",
    code="PROG-005",
    claim="When the terminal event arrives, the API already gives the same outcome",
    user_sees="'finished', and then an error or an empty page instead of the result",
    likely="the event is sent from inside the job, before its result is stored",
    source="Celery manual, calling tasks: the result is stored after the body returned",
    needs=("api", "socket", "job"),
    bounds={
        "answer_s": Bound(5.0, "s", "waiting for the API's answer; typical 0.02"),
    },
)
def ready_when_announced(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Compare each ending with the status asked for at its arrival."""
    return merge(
        (
            _same_outcome(job, ending, bounds["answer_s"])
            for job in history.jobs
            for ending in job.terminals
        ),
        nothing="No terminal event arrived, so no result was fetched.",
    )


def _asked_then(job: JobView, ending: Observation) -> Observation | None:
    """Return the answer to the request made on receipt of this event."""
    name = ending["subscriber"]
    answers = (s for s in job.statuses if s.get("on_event") == name)
    return next((s for s in answers if s.line > ending.line), None)


def _same_outcome(job: JobView, ending: Observation, answer_s: float) -> Verdict:
    word, answer = ending["event"], _asked_then(job, ending)
    if answer is None or not answer.get("code"):
        return inconclusive(
            "The API was not asked, or did not answer, when the event arrived.",
            expected="an answer of the API on receipt of the event",
            observed="none" if answer is None else str(answer.get("error")),
            evidence=(ending.line,),
            job=job.id,
            due_t=ending.t + answer_s if answer is None else None,
        )
    evidence = (ending.line, answer.line)
    after_s = answer.t - ending.t
    expected = f"code 200, state {word}"
    observed = f"code {answer['code']}, state {answer.get('state')}"
    if answer["code"] != 200 or answer.get("state") != word:
        return violated(
            f"Told {word}, but the API answered {observed}.",
            expected=expected,
            observed=f"{observed}, {after_s:.2f} s after the event",
            evidence=evidence,
            job=job.id,
        )
    if word == "completed" and not answer.get("has_result"):
        return violated(
            "Told completed, but the API had no result.",
            expected=f"{expected}, with the result",
            observed=f"{observed}, without a result",
            evidence=evidence,
            job=job.id,
        )
    told, given = ending.get("result_digest"), answer.get("result_digest")
    if word == "completed" and ending.get("has_result") and told != given:
        return violated(
            "The event carried another result than the API gave.",
            expected=f"result {told}",
            observed=f"result {given}",
            evidence=evidence,
            job=job.id,
        )
    if after_s > answer_s:
        return inconclusive(
            f"The API said the same, but {after_s:.2f} s after the event.",
            expected=f"an answer within {answer_s:g} s of the event",
            observed=f"{observed}, which may be new by then",
            evidence=evidence,
            job=job.id,
        )
    return holds(
        f"Told {word}, and the API said the same.",
        evidence=evidence,
        measured={"answer_s": max(0.0, after_s)},
        job=job.id,
    )
