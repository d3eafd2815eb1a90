"""Laws about memory: what a job held is given back, however the job ended.

How much a job is to hold is said by its scenario (`harness.holds`), and that it did is
seen by the probe (`probe.memory`): a job that held nothing proves nothing.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.contract import Bound, contract
from harness.history import History
from harness.job_view import JobView, Run
from harness.memory_view import HELD, LOOKS_AT_REST, Look, at_rest_mib, looks
from harness.verdict import Verdict, holds, inconclusive, merge, violated
from harness.work_over import Over, work_over

#: A job that is to hold less than so many times the slack cannot show what is kept.
TELLING = 2

BOUNDS = {
    "t_back_s": Bound(10.0, "s", "from the end of the work; typical 0.1-0.5"),
    "slack_mib": Bound(64.0, "MiB", "above rest; a used child keeps 5-30 more"),
}


@dataclass(frozen=True)
class _Case:
    """One run that was to hold `mib`, and when and how its work was over."""

    job: JobView
    run: Run
    mib: float
    over: Over

    @property
    def looks(self) -> list[Look]:
        """Return the steady looks after it was over, until another run takes memory."""
        history = self.job.history
        others = (run for job in history.jobs for run in job.runs)
        until_t = min(
            (
                run.start.t
                for run in others
                if run.start.t > self.over.t
                and any(mark.get("name") == HELD for mark in run.marks)
            ),
            default=math.inf,
        )
        return [
            look
            for look in looks(history)
            if look.steady and look.began_t >= self.over.t and look.t < until_t
        ]

    @property
    def next_start_t(self) -> float:
        """Return when the next job started; without end where none did."""
        runs = (run for job in self.job.history.jobs for run in job.runs)
        starts = (run.start.t for run in runs if run.start.t >= self.over.t)
        return min(starts, default=math.inf)


@contract(
    id="memory.given-back-after-a-job",
    code="GPU-001",
    claim="When a job is over, by success or by a failure it handled, the memory it "
    "held is free again",
    user_sees="jobs that fail for want of memory days after a deployment, until "
    "somebody restarts the worker",
    likely="a cache or a stored exception still refers to what the job held, and its "
    "process is not replaced",
    source="measured: a child that keeps 300 MB in a module's variable still has them "
    "after SUCCESS; PyTorch's notes on CUDA: a context stays until its process ends",
    needs=("app", "worker"),
    bounds=BOUNDS,
)
def given_back_after_a_job(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at every run that held memory and came to an end by itself."""
    return _judged(history, bounds, killed=False)


@contract(
    id="memory.given-back-after-a-kill",
    code="GPU-002",
    claim="When a job was stopped by its hard limit, a cancel or a SIGKILL, the memory "
    "it held is free before the next job starts",
    user_sees="a job that was cancelled long ago and still occupies the device: "
    "everybody's next job fails for want of memory",
    likely="the process ignores SIGTERM and nobody sends SIGKILL, the pool cannot kill "
    "at all, or what the job had started lives on",
    source="Celery 5.7, measured: a task that ignores SIGTERM is REVOKED at once and "
    "runs on to its end; threads and solo cannot kill; the child alone is killed",
    needs=("app", "worker"),
    bounds=BOUNDS,
)
def given_back_after_a_kill(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Look at every run that held memory when its process was told to go."""
    return _judged(history, bounds, killed=True)


def _judged(history: History, bounds: Mapping[str, float], *, killed: bool) -> Verdict:
    cases = [case for case in _cases(history) if case.over.told is killed]
    rest_mib = at_rest_mib(history)
    if cases and rest_mib is None:
        return inconclusive(
            "What the worker holds at rest was not seen.",
            expected=f"{LOOKS_AT_REST} looks between a first job and those that hold",
            observed=f"{len(looks(history))} looks in all",
        )
    return merge(
        (
            _held_little(case, bounds["slack_mib"])
            or _given_back(case, rest_mib or 0.0, bounds)
            for case in cases
        ),
        nothing="No run that held memory "
        + ("was told to go." if killed else "ended by itself."),
    )


def _cases(history: History) -> Iterator[_Case]:
    for o in history.of(source="harness", kind="holds"):
        job = history.job(str(o.job))
        for run in job.runs[:1]:  # a second execution is another law's
            over = work_over(job, run)
            if over is not None:
                yield _Case(job, run, float(o["mib"]), over)


def _held_little(case: _Case, slack_mib: float) -> Verdict | None:
    """Return a doubt where the job held too little to show anything, else None."""
    during = [
        look.held_by(case.run)
        for look in looks(case.job.history)
        if case.run.start.t <= look.began_t <= case.over.t
    ]
    peak_mib, enough_mib = max(during, default=0.0), TELLING * slack_mib
    if case.mib >= enough_mib and peak_mib >= case.mib:
        return None
    small = case.mib < enough_mib
    return inconclusive(
        "The job was to hold too little to show what is kept."
        if small
        else "The job was not seen to hold its memory.",
        expected=f"at least {enough_mib if small else case.mib:.0f} MiB while it ran",
        observed=f"{case.mib:.0f} MiB declared; at most {peak_mib:.0f} MiB seen in "
        f"{len(during)} looks",
        evidence=(case.run.start.line,),
        job=case.job.id,
    )


def _given_back(case: _Case, rest_mib: float, bounds: Mapping[str, float]) -> Verdict:
    """Compare with the looks at rest those made while the next job runs.

    Between the two jobs there may be no child at all, and so less than at rest.
    """
    limit_mib, due_t = rest_mib + bounds["slack_mib"], case.over.t + bounds["t_back_s"]
    next_t = case.next_start_t
    expected = (
        f"at most {limit_mib:.0f} MiB before {due_t:.2f} s"
        + (" and the next start" if case.over.told else "")
        + f"; at rest {rest_mib:.0f} MiB"
    )
    beside_next = [look for look in case.looks if look.began_t >= next_t]
    low = [look for look in beside_next if look.mib <= limit_mib]
    if case.over.told and beside_next and beside_next[0] not in low:
        return _kept(
            f"The next job started {next_t - case.over.t:.2f} s after "
            f"{case.over.how}, and "
            "{more:.0f} MiB more than at rest were held.",
            *(case, beside_next[0], rest_mib, expected),
        )
    if low:
        # Low before the next start and low beside it: it was back the first time.
        at_once = beside_next[0] is low[0]
        back = next(
            look for look in (case.looks if at_once else low) if look.mib <= limit_mib
        )
        if back.t <= due_t:
            took_s = back.t - case.over.t
            return holds(
                f"Given back {took_s:.2f} s after {case.over.how}.",
                expected=expected,
                observed=low[0].told,
                evidence=(case.run.start.line, low[0].observation.line),
                measured={"t_back_s": took_s, "slack_mib": low[0].mib - rest_mib},
                job=case.job.id,
            )
        late: Look | None = back
    else:
        late = next((look for look in case.looks if look.t > due_t), None)
    if late is not None and (low or late.mib > limit_mib):
        return _kept(
            f"Given back only {late.t - case.over.t:.1f} s after {case.over.how}."
            if low
            else f"{late.t - case.over.t:.1f} s after {case.over.how} the worker held "
            "{more:.0f} MiB more than at rest.",
            *(case, late, rest_mib, expected),
            timed=True,
        )
    return inconclusive(
        f"Nobody looked long enough after {case.over.how}."
        if next_t < math.inf
        else f"No job was seen to follow after {case.over.how}.",
        expected=expected,
        observed=case.looks[-1].told if case.looks else "no look after it",
        evidence=(case.run.start.line,),
        job=case.job.id,
    )


def _kept(
    summary: str,
    case: _Case,
    look: Look,
    rest_mib: float,
    expected: str,
    *,
    timed: bool = False,
) -> Verdict:
    more = look.mib - rest_mib
    return violated(
        summary.format(more=more),
        expected=expected,
        observed=look.told,
        evidence=(case.run.start.line, look.observation.line),
        measured={"slack_mib": more},
        job=case.job.id,
        timed=timed,
    )
