"""The part of a timeline that a verdict speaks about."""

from dataclasses import dataclass

from harness.history import History
from harness.report.timeline.model import Timeline
from harness.verdict import Verdict

#: Part of the time between the first and the last evidence that is shown around it.
AROUND = 0.35

#: Seconds that are shown around it at least.
AROUND_S = 0.3

#: Lanes of a crop; what is left out is a link away.
MAX_LANES = 12


@dataclass(frozen=True)
class Crop:
    """From when to when, and which lanes, as indices; `left_out` lanes are hidden."""

    start_s: float
    end_s: float
    lanes: tuple[int, ...]
    left_out: int = 0


def crop(verdict: Verdict, whole: Timeline, history: History) -> Crop:
    """Return the window and the lanes around a verdict's evidence and its job.

    The damage that hit the job belongs to it, and so does all the time in which an
    ending was looked for in vain. A verdict without evidence shows the whole time.
    """
    evidence = set(verdict.evidence)
    job = history.job(verdict.job) if verdict.job else None
    told = {f.line for f in job.faults} if job else set()
    times = [o.t for o in history.observations if o.line in evidence | told]
    if job and job.subscribers and not job.terminals:
        times.append(history.watched_until_s)
    start_s, end_s = 0.0, whole.end_s
    if times:
        around_s = max(AROUND_S, AROUND * (max(times) - min(times)))
        start_s = max(0.0, min(times) - around_s)
        end_s = max(times) + around_s
    hurt = any(b.end_s >= start_s and b.start_s <= end_s for b in whole.bands)
    first = {m.lane for m in whole.marks if m.line in evidence | told}
    then = {
        index
        for index, lane in enumerate(whole.lanes)
        if verdict.job in lane.jobs or (lane.kind == "fault" and hurt)
    }
    if not first and not verdict.job:
        then = {i for i, lane in enumerate(whole.lanes) if lane.kind != "harness"}
    wanted = [*sorted(first), *sorted(then - first)]
    chosen = tuple(sorted(wanted[:MAX_LANES]))
    return Crop(start_s, end_s, chosen, len(wanted) - len(chosen))
