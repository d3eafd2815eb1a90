"""The ways in which a job of a history came to its end, and since when that is so."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.history import Observation
from harness.job_view import KILLING, JobView, Run
from harness.observation import same_process
from harness.outages import outages as found_outages

_FAILED = frozenset({"failed"})
_COMPLETED = frozenset({"completed"})
_CANCELLED = frozenset({"cancelled"})

#: The word of journal or ledger for an end -> our cause, the endings that fit it.
_CAUSES = {
    "returned": ("returned", _COMPLETED),
    "success": ("returned", _COMPLETED),
    "cancelled": ("cancel", _CANCELLED),
    "revoked": ("cancel", _CANCELLED),
    "soft_time_limit": ("soft_time_limit", _FAILED),
    "hard_time_limit": ("hard_time_limit", _FAILED),
    "unknown": ("unknown_task", _FAILED),
    "lost": ("child_lost", _FAILED),
    "terminated": ("raised", _FAILED),
    "raised:SystemExit": ("raised", _FAILED),
}

#: What a cancel, a limit or a fault brings about; a cause only where none of these is.
_CONSEQUENCES = ("lost", "terminated", "raised:SystemExit")

#: Deaths that may strike while the ending of an earlier exit is under way.
DEATHS = ("child_lost", "worker_lost")


@dataclass(frozen=True)
class Exit:
    """One cause that ends a job.

    Args:
        cause: returned, raised, soft_time_limit, hard_time_limit, cancel, child_lost,
            worker_lost or unknown_task.
        t: seconds since the history began at which it happened.
        bound: the bound that limits how late its ending may come.
        endings: the terminal events that fit it.
        line: its evidence.
    """

    cause: str
    t: float
    bound: str
    endings: frozenset[str]
    line: int


def exits(job: JobView) -> list[Exit]:
    """Return all causes that end the job, in the order of time."""
    found = [Exit("cancel", c.t, "t_term_s", _CANCELLED, c.line) for c in job.cancels]
    if job.runs:
        run = job.runs[-1]  # an earlier attempt was followed by this one
        ends = list(run.ends)
        found += _of_damage(job, run)
    else:
        # Ended without a run: revoked in the queue, expired, unknown to the worker.
        run, ends = None, list(job.named("ledger.end"))
    found += [_of_end(end) for end in ends if end.get("how") not in _CONSEQUENCES]
    weak = [_of_end(end) for end in ends if end.get("how") in _CONSEQUENCES]
    if run is not None:
        found += _of_hard_limit(run, job.limits[1], weak)
    return sorted(found or weak, key=lambda e: e.t)


def _of_end(end: Observation) -> Exit:
    how = str(end.get("how"))
    cause, endings = _CAUSES.get(how, ("raised", _FAILED))
    # The main process reports a limit or a death when it has noticed: late already.
    seen_late = end.get("role") == "parent"
    bound = "child_lost_s" if seen_late else "t_term_s"
    return Exit(cause, end.t, bound, endings, end.line)


def _of_hard_limit(run: Run, hard_s: float | None, weak: list[Exit]) -> list[Exit]:
    """Return the limit itself where the run went past it, whatever was reported."""
    if hard_s is None or run.killed is not None:
        return []
    limit_t = run.start.t + hard_s
    ended_t = [end.t for end in run.ends] + [exit.t for exit in weak]
    if ended_t and min(ended_t) <= limit_t:
        return []
    return [Exit("hard_time_limit", limit_t, "child_lost_s", _FAILED, run.start.line)]


def _of_damage(job: JobView, run: Run) -> list[Exit]:
    """Return the deaths that faults caused, after the run's end too.

    A child that dies after its function returned, and before the result was stored,
    has lost the result: failed fits. Once the API has shown it, only completed does.
    """
    returned = run.end is not None and run.how in ("returned", "success")
    shown_t = min(
        (s.t for s in job.statuses if s.get("state") == "completed"),
        default=float("inf"),
    )
    told_t = job.terminals[0].t if job.terminals else float("inf")
    found = []
    for fault in job.history.of(source="fault", kind="injected"):
        victim = fault.get("victim") or {}
        child = same_process(victim, run.start)
        mine = child or victim.get("role") == "worker"
        deadly = bool(fault.get("bit")) and str(fault.get("fault")).startswith(KILLING)
        if not (mine and deadly and run.start.t <= fault.t <= told_t):
            continue
        endings = _FAILED
        if returned and run.end is not None and run.end.t <= fault.t:
            endings = _COMPLETED if shown_t <= fault.t else _FAILED | _COMPLETED
        cause = "child_lost" if child else "worker_lost"
        bound = "child_lost_s" if child else "main_lost_s"
        found.append(Exit(cause, fault.t, bound, endings, fault.line))
    return found


def outages(job: JobView) -> list[tuple[float, float]]:
    """Return from when to when a part that announces was out, in the order of time."""
    return [(outage.begin, outage.end) for outage in found_outages(job.history)]


def deadline_t(
    causes: list[Exit],
    outages: list[tuple[float, float]],
    bounds: Mapping[str, float],
) -> tuple[float, Exit]:
    """Return the latest time at which an ending is still in time, and its cause.

    While Redis or the API is out nobody can announce: then the bound counts from the
    end of the outage. An outage that never ends gives an infinite deadline.
    """
    candidates = []
    for exit in causes:
        since_t = exit.t
        for begin, end in outages:
            if begin <= since_t + bounds[exit.bound] and end > since_t:
                since_t = end
        candidates.append((since_t + bounds[exit.bound], exit))
    return max(candidates, key=lambda pair: pair[0])
