"""When the work of a run was over, by itself or because its process was told to go."""

import math
from dataclasses import dataclass

from harness.job_view import JobView, Run

#: What a process says of its own end when it was told to go.
TOLD_TO_GO = ("terminated", "hard_time_limit")


@dataclass(frozen=True)
class Over:
    """When and how a run's work was over; `told`: its process was told to go."""

    t: float
    how: str
    told: bool


def work_over(job: JobView, run: Run) -> Over | None:
    """Return when and how it was; None while it goes on.

    And None where its process was lost for no reason of ours.
    """
    end = run.end
    own = end is not None and end.get("role") != "parent" and run.how not in TOLD_TO_GO
    own_t = end.t if own and end is not None else math.inf
    revoked = (o for o in job.named("agent.revoked") if o.get("terminate"))
    told = [(o.t, "its cancel") for o in (*revoked, *job.cancels)]
    if run.killed is not None:
        told.append((run.killed.t, "its SIGKILL"))
    limit_t = _limit_t(job, run)
    if limit_t is not None:
        told.append((limit_t, "its hard limit"))
    told = [(t, how) for t, how in told if run.start.t <= t <= own_t]
    if told:
        return Over(*min(told), told=True)
    return Over(own_t, f"its end ({run.how})", told=False) if own else None


def _limit_t(job: JobView, run: Run) -> float | None:
    """Return when the hard limit was reached, None where it was not."""
    hard_s = job.limits[1]
    if hard_s is None:
        return None
    limit_t = run.start.t + hard_s
    # The worker's clock begins a little before the task does.
    told = [end.t for end in run.ends if end.get("how") == "hard_time_limit"]
    if told:
        return min(*told, limit_t)
    open_then = all(end.t >= limit_t for end in run.ends)
    return limit_t if open_then and job.history.watched_until_s > limit_t else None
