"""The law about what a submit does while its API cannot reach the broker."""

from collections.abc import Mapping

from harness.contract import Bound, contract
from harness.history import History
from harness.job_view import JobView, Run
from harness.observation import same_process
from harness.outage_view import Submission, while_away
from harness.target import POLICIES
from harness.verdict import Verdict, holds, inconclusive, merge, violated


@contract(
    id="fallback.follows-policy",
    code="FALL-001",
    claim="With the broker away a submit does, in time, what was declared: it is "
    "refused with a 503 that says when to come again, or its job runs once without "
    "the broker",
    user_sees="an error that says nothing, or a job that was accepted and stays "
    "pending for as long as the broker is away",
    likely="the fallback waits for an error that a broker which hangs never raises, "
    "or raises as another; or it was written, and nobody ever took it",
    source="celery#2855: its maintainers call a silent fallback dangerous; measured "
    "on 5.7: `try: .delay() except` blocks 19.1 s before it falls back, or for ever",
    needs=("api", "job", "journal", "fallback"),
    bounds={
        "t_submit_s": Bound(2.0, "s", "typical 0.01, and 1.3 where the broker hangs"),
        "t_start_s": Bound(
            60.0, "s", "from submit to start; typical 11, fresh processes import torch"
        ),
    },
)
def follows_policy(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at every submit that was sent while Redis or the broker was away."""
    declared = [
        policy
        for o in history.of(source="harness", kind="situation")
        for policy in POLICIES
        if o.get("name") == f"fallback.{policy}"
    ]
    if len(set(declared)) != 1:
        return inconclusive(
            "Nobody said which policy the API was started with.",
            expected="a situation fallback.refuse or fallback.run_locally",
            observed=", ".join(declared) or "none",
        )
    judged = _refused if declared[0] == "refuse" else _ran
    return merge(
        [
            _in_time(one, bounds) or judged(history, one, bounds)
            for one in while_away(history)
        ],
        nothing="Nothing was submitted while the broker was away.",
    )


def _in_time(one: Submission, bounds: Mapping[str, float]) -> Verdict | None:
    """Return a violation where the answer came too late, else None."""
    if one.answer.get("code") is not None and one.took_s <= bounds["t_submit_s"]:
        return None
    return violated(
        "A submit was not answered in time while the broker was away.",
        expected=f"an answer within {bounds['t_submit_s']:g} s",
        observed=f"{one.told}; fault {one.fault.get('fault')}",
        evidence=one.evidence,
        measured={"t_submit_s": one.took_s},
        job=one.answer.job,
        timed=True,
    )


def _refused(history: History, one: Submission, bounds: Mapping[str, float]) -> Verdict:
    wait = str(one.answer.get("retry_after") or "")
    told = one.answer.get("code") == 503 and wait.isdecimal() and int(wait) > 0
    stray = None if one.accepted else _stray(history)
    if told and stray is None:
        return holds(
            f"Refused after {one.took_s:.2f} s, to come again in {wait} s.",
            evidence=one.evidence,
            measured={"t_submit_s": one.took_s},
        )
    return violated(
        "Something ran of a submit that was refused."
        if told
        else "A submit was not refused as declared while the broker was away.",
        expected="503 with Retry-After, and nothing runs",
        observed=f"{one.told}, Retry-After {wait or 'missing'}; "
        f"fault {one.fault.get('fault')}",
        evidence=(*one.evidence, *((stray,) if stray else ())),
        job=one.answer.job,
    )


def _stray(history: History) -> int | None:
    """Return the line of a start of a job that nobody was told of, if there is one."""
    known = {job.id for job in history.jobs}
    starts = history.of(source="journal", kind="start")
    return next((o.line for o in starts if o.job not in known), None)


def _ran(history: History, one: Submission, bounds: Mapping[str, float]) -> Verdict:
    expected = "a job's id, and the job runs once, in a process of the API"
    if not one.accepted or one.answer.job is None:
        return violated(
            "A submit was not taken as declared while the broker was away.",
            expected=expected,
            observed=f"{one.told}; fault {one.fault.get('fault')}",
            evidence=one.evidence,
        )
    job = history.job(one.answer.job)
    due_t = one.answer.t + bounds["t_start_s"]
    if not job.runs and history.watched_until_s < due_t:
        return inconclusive(
            "Watching stopped before the job was due.",
            expected=expected,
            observed=f"no start until {history.watched_until_s:.2f} s",
            evidence=one.evidence,
            job=job.id,
            due_t=due_t,
        )
    wrong = _wrong_runs(job, due_t)
    if wrong:
        return violated(
            "A job that was taken without the broker did not run once, without it.",
            expected=f"{expected}, from before {due_t:.2f} s",
            observed=wrong,
            evidence=(*one.evidence, *(run.start.line for run in job.runs)),
            job=job.id,
            timed=len(job.runs) < 2,
        )
    start = job.runs[0].start
    return holds(
        "Taken, and run once without the broker.",
        evidence=(*one.evidence, start.line),
        measured={
            "t_submit_s": one.took_s,
            "t_start_s": start.t - one.answer.t,
        },
        job=job.id,
    )


def _wrong_runs(job: JobView, due_t: float) -> str:
    """Return what is wrong with the runs of a job, nothing where it ran as it ought."""
    if not job.runs:
        return f"never started until {job.history.watched_until_s:.2f} s"
    if len(job.runs) > 1:
        return f"{len(job.runs)} starts"
    (run,) = job.runs
    if _on_a_worker(job, run):
        return f"started at {run.start.t:.2f} s on a worker"
    return f"started at {run.start.t:.2f} s" if run.start.t > due_t else ""


def _on_a_worker(job: JobView, run: Run) -> bool:
    """Return whether a worker executed it: its ledger tells, whatever the journal."""
    return any(same_process(run.start, o) for o in job.named("ledger.start"))
