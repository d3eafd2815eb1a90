"""The law about what becomes of a cancelled job later."""

from collections.abc import Mapping

from harness.cancel_view import (
    STOPPED,
    asked_t,
    begun_t,
    endings,
    first_behind,
    runs,
    starts,
    word,
)
from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.job_view import JobView, Run
from harness.verdict import Verdict, holds, inconclusive, merge, violated


@contract(
    id="cancel.is-final",
    code="CANC-004",
    claim="What is cancelled stays cancelled: no worker that comes back, no second "
    "delivery and no further attempt starts it again or gives it another ending",
    user_sees="a job that was cancelled yesterday, and runs after today's deployment",
    likely="the cancel is in the memory of workers, which no worker had at that moment "
    "or a new one has not; or whoever tries a lost job again does not ask for it",
    source="Celery manual, workers guide, persistent revokes; measured on 5.7: a "
    "revoke while no worker is up is lost, one during a warm shutdown is ignored",
    needs=("api", "worker", "job"),
    bounds={
        "race_s": Bound(1.5, "s", "an end of its own this soon after may win"),
        "quiet_s": Bound(2.0, "s", "watching after a later job began; slots differ"),
    },
)
def is_final(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at every cancelled job that something might have brought back."""
    return merge(
        (
            verdict
            for job in history.jobs
            for cancel in job.cancels[:1]
            if (trial := _last_trial(job, cancel)) is not None
            and (verdict := _stayed(job, cancel, trial, bounds)) is not None
        ),
        nothing="No cancelled job met a restart, a second delivery or a lost process.",
    )


def _last_trial(job: JobView, cancel: Observation) -> Observation | None:
    """Return the last thing that might bring the job back, None where nothing did.

    That is damage to it, its message or the worker; or an attempt that was over before
    the cancel, so that the job waited for another one.
    """
    sent = job.submitted
    assert sent is not None
    trials = [run.start for run in runs(job) if _over_before(run, asked_t(cancel))]
    for fault in job.history.of(source="fault", kind="injected"):
        victim = fault.get("victim") or {}
        mine = fault.job == job.id or victim.get("role") == "worker"
        harmless = not fault.get("bit") or fault.get("fault") == "noop"
        if mine and not harmless and fault.t >= sent.t:
            trials.append(fault)
    return max(trials, key=lambda o: o.t, default=None)


def _over_before(run: Run, t: float) -> bool:
    return any(end.t < t for end in run.ends)


def _stayed(
    job: JobView, cancel: Observation, trial: Observation, bounds: Mapping[str, float]
) -> Verdict | None:
    expected = f"cancelled at {cancel.t:.2f} s, no start and no other ending after it"
    later = (start for start in starts(job) if begun_t(job, start) > cancel.t)
    again = next(later, None)
    if again is not None:
        return violated(
            "A cancelled job was started.",
            expected=expected,
            observed=f"attempt {len(starts(job))} at {again.t:.2f} s",
            evidence=(cancel.line, trial.line, again.line),
            job=job.id,
        )
    told = [o for o in endings(job) if o.t >= asked_t(cancel)]
    wrong = next((o for o in told if word(o) != "cancelled"), None)
    if wrong is not None:
        if any(_ended_about(run, cancel, bounds["race_s"]) for run in runs(job)):
            return None  # it was about to end: either may win
        return violated(
            f"A cancelled job ended as '{word(wrong)}'.",
            expected=expected,
            observed=f"'{word(wrong)}' at {wrong.t:.2f} s",
            evidence=(cancel.line, trial.line, wrong.line),
            job=job.id,
        )
    since_t = max(cancel.t, trial.t)
    behind = first_behind(job, since_t)
    if behind is None or not told:
        return inconclusive(
            "Nothing shows that a worker was there to bring the job back."
            if behind is None
            else "Nobody was seen to be told that the job is cancelled.",
            expected=f"{expected}, though a later job starts",
            observed=job.told
            if behind
            else f"no later job started until {job.history.watched_until_s:.2f} s",
            evidence=(cancel.line, trial.line),
            job=job.id,
        )
    due_t = behind.t + bounds["quiet_s"]
    if job.history.watched_until_s < due_t:
        return inconclusive(
            "Watching stopped soon after a worker was there to bring the job back.",
            expected=f"{expected}, until {due_t:.2f} s",
            observed=f"watched until {job.history.watched_until_s:.2f} s",
            evidence=(cancel.line, trial.line, behind.line),
            job=job.id,
            due_t=due_t,
        )
    return holds(
        f"It stayed cancelled though {_named(trial)}.",
        evidence=(cancel.line, trial.line, behind.line),
        job=job.id,
    )


def _ended_about(run: Run, cancel: Observation, race_s: float) -> bool:
    """Return whether the run came to an end of its own about when it was cancelled."""
    end = run.end
    by_itself = end is not None and end.get("how") not in STOPPED
    begin_t, end_t = asked_t(cancel) - race_s, cancel.t + race_s
    return end is not None and by_itself and begin_t <= end.t <= end_t


def _named(trial: Observation) -> str:
    what = trial.get("fault") or "an attempt that failed before"
    return f"{what} might have brought it back, at {trial.t:.2f} s"
