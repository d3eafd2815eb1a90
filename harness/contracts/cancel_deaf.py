"""The law about a cancelled job that hears neither a flag nor SIGTERM."""

from collections.abc import Mapping

from harness.cancel_view import endings, gone, running, word
from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.job_view import JobView, Run
from harness.observation import same_process
from harness.verdict import Verdict, holds, inconclusive, merge, violated

#: The fault after which a process hears nothing; it can only be killed.
DEAFENING = "pause_child"


@contract(
    id="cancel.deaf-job-is-killed",
    code="CANC-002",
    claim="A cancelled job that hears nothing is killed, and nobody is told "
    "'cancelled' before its process is gone",
    user_sees="a job shown as cancelled that holds the machine for minutes, and "
    "everybody behind it waits",
    likely="one SIGTERM and nothing after it; and the state is written when the signal "
    "is sent, not when the process has gone",
    source="Celery manual, workers guide, revoke: no escalation; measured on 5.7: "
    "REVOKED at once, the process ran on for 42 s, then the state became SUCCESS",
    needs=("api", "worker", "job"),
    bounds={
        "gone_s": Bound(10.0, "s", "5 to stop by itself, 5 until killed; typical 2"),
        "early_s": Bound(0.5, "s", "so late a probe may see an end; typical 0.02"),
    },
)
def deaf_job_is_killed(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at every job whose process was frozen when it was cancelled."""
    return merge(
        (
            _killed(job, run, cancel, woken_t, bounds)
            for job in history.jobs
            for cancel in job.cancels[:1]
            if (run := running(job, cancel)) is not None
            if (woken_t := _deaf_until(history, run, cancel)) is not None
        ),
        nothing="No job was cancelled whose process heard nothing.",
    )


def _deaf_until(history: History, run: Run, cancel: Observation) -> float | None:
    """Return until when its process hears nothing; None where it heard the cancel."""
    for fault in history.of(source="fault", kind="injected"):
        mine = same_process(fault.get("victim") or {}, run.start)
        if fault.get("fault") != DEAFENING or not (mine and fault.get("bit")):
            continue
        healed = [
            o.t
            for o in history.of(source="fault", kind="healed")
            if o.get("fault") == DEAFENING and o.job == fault.job and o.t >= fault.t
        ]
        woken_t = min(healed, default=float("inf"))
        if fault.t <= cancel.t < woken_t:
            return woken_t
    return None


def _killed(
    job: JobView,
    run: Run,
    cancel: Observation,
    woken_t: float,
    bounds: Mapping[str, float],
) -> Verdict:
    due_t = cancel.t + bounds["gone_s"]
    expected = f"process {run.pid} gone before {due_t:.2f} s; cancelled at "
    expected += f"{cancel.t:.2f} s"
    left = gone(job, run)
    too_early = left and _told_early(job, cancel, left, bounds)
    if too_early:
        return too_early
    hard_s = job.limits[1]
    limit_t = float("inf") if hard_s is None else run.start.t + hard_s
    until_t = min(job.history.watched_until_s, left.t if left else float("inf"))
    for t, what in ((woken_t, "It was woken"), (limit_t, "Its hard limit came")):
        if t <= min(due_t, until_t):
            return inconclusive(
                f"{what} before it had to be gone.",
                expected=expected,
                observed=f"at {t:.2f} s",
                evidence=(cancel.line, run.start.line),
                job=job.id,
            )
    if left is None or left.t > due_t:
        # Nobody watches a process whose start time was not told.
        watched = left is not None or bool(run.start.get("pid_start"))
        late = watched and until_t >= due_t
        return (violated if late else inconclusive)(
            "The process of a cancelled job lived on."
            if late
            else "Nobody saw the process go, nor live on.",
            expected=expected,
            observed=f"gone at {left.t:.2f} s, {left.t - cancel.t:.2f} s after it"
            if left
            else f"not gone at {until_t:.2f} s",
            evidence=(cancel.line, run.start.line, *((left.line,) if left else ())),
            job=job.id,
            timed=late,
            due_t=due_t if watched and not late else None,
        )
    return _told_right(job, cancel, left)


def _told_early(
    job: JobView, cancel: Observation, left: Observation, bounds: Mapping[str, float]
) -> Verdict | None:
    """Return a violation where a user was told while the process was there."""
    told = next(iter(endings(job)), None)
    if told is None or told.t >= left.t or told.t >= left.t - bounds["early_s"]:
        return None
    return violated(
        f"The user was told '{word(told)}' while the process was still there.",
        expected="no ending told before the process is gone",
        observed=f"told at {told.t:.2f} s, gone at {left.t:.2f} s",
        evidence=(cancel.line, told.line, left.line),
        job=job.id,
        timed=True,
    )


def _told_right(job: JobView, cancel: Observation, left: Observation) -> Verdict:
    """Look at what users were told of a process that was killed in time."""
    told = endings(job)
    wrong = next((o for o in told if word(o) != "cancelled"), None)
    evidence = tuple(o.line for o in (cancel, left, *told[:1]))
    expected = f"'cancelled', once the process is gone at {left.t:.2f} s"
    if not told:
        return inconclusive(
            "The process was killed, but nobody was seen to be told.",
            expected=expected,
            observed=job.told,
            evidence=evidence,
            job=job.id,
        )
    if wrong is not None:
        return violated(
            f"The user of a cancelled job was told '{word(wrong)}'.",
            expected=expected,
            observed=f"'{word(wrong)}' at {wrong.t:.2f} s",
            evidence=(cancel.line, left.line, wrong.line),
            job=job.id,
        )
    gone_s = max(0.0, left.t - cancel.t)
    return holds(
        f"Killed {gone_s:.2f} s after the cancel, and told after that.",
        evidence=evidence,
        measured={"gone_s": gone_s},
        job=job.id,
    )
