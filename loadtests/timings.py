"""From the moments of each job to durations, percentiles, failures and a backlog.

Pure: no clock and no network. Moments are seconds since the epoch; a duration is there
only when both of its ends are known, and is not corrected: where the client's clock
and the application's differ, `to_client_s` shows it.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from itertools import accumulate

#: Endings of jobs that the application accepted.
ENDED = ("completed", "failed", "cancelled")
#: Accepted, and no ending seen in time.
UNFINISHED = "unfinished"
#: 429 with Retry-After: backpressure as declared.
REFUSED = "refused"
#: Not accepted in any other way.
REJECTED = "rejected"
#: The run was over before its moment.
UNSENT = "unsent"

#: Name of a duration -> the moments it lies between.
DURATIONS = {
    "late_s": ("due", "sent"),  # the load generator's own fault
    "submit_s": ("due", "answered"),  # from when it was due: what a user waits
    "queue_wait_s": ("created", "started"),
    "first_progress_s": ("started", "progress"),
    "run_s": ("started", "ended"),
    "to_client_s": ("ended", "arrived"),
    "whole_s": ("due", "arrived"),
}


@dataclass(frozen=True)
class Job:
    """One job: what became of it, and when what happened."""

    k: int
    job_class: str
    id: str = ""
    outcome: str = UNSENT
    #: Why it did not complete, in few enough words to be counted by them.
    why: str = ""
    #: When it was to be sent, was sent, and was answered: the client's clock.
    due: float | None = None
    sent: float | None = None
    answered: float | None = None
    #: The application's clock.
    created: float | None = None
    started: float | None = None
    progress: float | None = None
    ended: float | None = None
    #: When the client learned of the ending.
    arrived: float | None = None
    #: How many endings the client saw.
    endings: int = 0

    def row(self) -> list[object]:
        """Return it for the wire; `Job(*row)` is the same job."""
        return list(astuple(self))


def durations(job: Job) -> dict[str, float]:
    """Return the durations of a job that are known, in seconds."""
    found = {}
    for name, (begin, end) in DURATIONS.items():
        since, until = getattr(job, begin), getattr(job, end)
        if since is not None and until is not None:
            found[name] = until - since
    return found


def percentile(values: Sequence[float], q: float) -> float:
    """Return the smallest of the values that q % of them do not exceed (nearest rank).

    Raises:
        ValueError: there are none.
    """
    if not values:
        raise ValueError("No values: they have no percentile.")
    return sorted(values)[max(0, math.ceil(q / 100 * len(values)) - 1)]


def summary(values: Sequence[float]) -> dict[str, float]:
    """Return count, mean and percentiles of some values; only a count of none."""
    if not values:
        return {"n": 0}
    ranks = {f"p{q}": percentile(values, q) for q in (50, 90, 95, 99)}
    mean = math.fsum(values) / len(values)
    return {"n": len(values), "mean": mean, **ranks, "most": max(values)}


def summaries(jobs: Iterable[Job]) -> dict[str, dict[str, float]]:
    """Return the summary of each duration over these jobs."""
    values: dict[str, list[float]] = {name: [] for name in DURATIONS}
    for job in jobs:
        for name, value in durations(job).items():
            values[name].append(value)
    return {name: summary(each) for name, each in values.items()}


def totals(jobs: Iterable[Job], planned: int) -> dict[str, int]:
    """Return how many jobs were sent, accepted, refused and ended how.

    planned = sent + unsent; sent = accepted + refused + rejected; accepted = completed
    + failed + cancelled + unfinished. `ended_twice` counts jobs with more endings than
    one.
    """
    jobs = list(jobs)
    count = Counter(job.outcome for job in jobs)
    accepted = sum(count[each] for each in (*ENDED, UNFINISHED))
    sent = accepted + count[REFUSED] + count[REJECTED]
    return {
        "planned": planned,
        "sent": sent,
        "unsent": planned - sent,
        "accepted": accepted,
        **{each: count[each] for each in (REFUSED, REJECTED, *ENDED, UNFINISHED)},
        "ended_twice": sum(job.endings > 1 for job in jobs),
    }


def failures(jobs: Iterable[Job]) -> dict[str, int]:
    """Return how often what went wrong, the commonest first; a refusal is no failure.

    A completed job is among them if something about it was wrong.
    """
    kinds = Counter(
        f"{job.outcome}: {job.why}" if job.why else job.outcome
        for job in jobs
        if job.outcome != REFUSED and (job.why or job.outcome != "completed")
    )
    return dict(kinds.most_common())


def peak_backlog(jobs: Iterable[Job]) -> int:
    """Return how many jobs waited at most, from when they were created."""
    return _most_at_once((job.created, _left_queue(job)) for job in jobs)


def submits_at_once(jobs: Iterable[Job]) -> int:
    """Return how many submits were under way at most."""
    return _most_at_once((job.sent, job.answered) for job in jobs)


def curve(jobs: Sequence[Job], points: int = 60) -> list[dict[str, float]]:
    """Return the run in so many equal steps, from the first moment to the last.

    Each has `t_s` (its end, since the begin of the run), how many jobs were `waiting`
    and `running` then, and jobs per second that were `sent_per_s`, `refused_per_s` and
    `ended_per_s` during it.
    """
    moments = [
        moment
        for job in jobs
        for moment in (job.sent, job.answered, job.created, job.started, job.ended)
        if moment is not None
    ]
    if not moments:
        return []
    begin = min(moments)
    step = max((max(moments) - begin) / points, 1e-3)

    def by_step(found: Iterable[float | None]) -> list[int]:
        counts = [0] * points
        for moment in found:
            if moment is not None:
                counts[min(int((moment - begin) / step), points - 1)] += 1
        return counts

    sent = by_step(job.sent for job in jobs)
    refused = by_step(job.answered for job in jobs if job.outcome == REFUSED)
    ended = by_step(job.ended for job in jobs)
    created = list(accumulate(by_step(job.created for job in jobs)))
    left = list(accumulate(by_step(map(_left_queue, jobs))))
    started = list(accumulate(by_step(job.started for job in jobs)))
    over = list(accumulate(by_step(j.ended for j in jobs if j.started is not None)))
    return [
        {
            "t_s": round((i + 1) * step, 3),
            "waiting": created[i] - left[i],
            "running": started[i] - over[i],
            "sent_per_s": sent[i] / step,
            "refused_per_s": refused[i] / step,
            "ended_per_s": ended[i] / step,
        }
        for i in range(points)
    ]


def _left_queue(job: Job) -> float | None:
    if job.created is None:
        return None
    return job.ended if job.started is None else job.started


def _most_at_once(spans: Iterable[tuple[float | None, float | None]]) -> int:
    # An end sorts before a begin at the same instant: they do not overlap.
    steps: list[tuple[float, int]] = []
    for since, until in spans:
        if since is not None:
            steps += [(since, 1), (max(since, until or math.inf), -1)]
    return max(accumulate(change for _, change in sorted(steps)), default=0)
