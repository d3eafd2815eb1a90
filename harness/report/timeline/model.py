"""A history as lanes, bars, bands, marks and limits, in seconds; nothing is drawn."""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.history import History, Observation
from harness.job_view import JobView, Run
from harness.report.timeline.lanes import Lane, Lanes
from harness.report.timeline.marks import kind_of, label_of

#: Seconds by which a run may end before the limit that ended it, as we see its start.
NEAR_LIMIT_S = 0.25

#: How the names of faults begin that end the process of their victim.
_ENDS_PROCESS = ("kill", "redis_stop", "redis_restart")


@dataclass(frozen=True)
class Mark:
    """One observation in one lane."""

    lane: int
    line: int
    kind: str
    label: str


@dataclass(frozen=True)
class Bar:
    """Something that lasts: `run`, `wait`, `watch` or `life` (of a process)."""

    lane: int
    kind: str
    start_s: float
    end_s: float
    line: int
    label: str = ""


@dataclass(frozen=True)
class Band:
    """Damage, from its injection to its healing; a blow has no duration."""

    start_s: float
    end_s: float
    line: int
    label: str
    bit: bool


@dataclass(frozen=True)
class Limit:
    """The time at which a run reached its soft or hard limit."""

    lane: int
    t: float
    kind: str
    after_s: float


@dataclass(frozen=True)
class Timeline:
    """All that is drawn of one history; `end_s` is when it ends."""

    lanes: tuple[Lane, ...]
    bars: tuple[Bar, ...]
    bands: tuple[Band, ...]
    marks: tuple[Mark, ...]
    limits: tuple[Limit, ...]
    end_s: float


def timeline(history: History) -> Timeline:
    """Return what there is to draw."""
    lanes = Lanes(history)
    end_s = max((o.t for o in history.observations), default=0.0)
    bars: list[Bar] = []
    limits: list[Limit] = []
    jobs = dict.fromkeys(o.job for o in history.observations if o.job)
    for job in map(history.job, jobs):
        bars += _bars_of(job, lanes, end_s)
        limits += _limits_of(job, lanes, end_s)
    bars += _lives(history, lanes, end_s)
    marks = [
        Mark(lane, o.line, kind_of(o), label_of(o))
        for o in history.observations
        for lane in lanes.of_line[o.line - 1]
    ]
    bands = tuple(_bands(history, end_s))
    return Timeline(
        tuple(lanes.rows), tuple(bars), bands, tuple(marks), tuple(limits), end_s
    )


def _bars_of(job: JobView, lanes: Lanes, end_s: float) -> Iterator[Bar]:
    """Yield how long the job waited, ran and was watched."""
    row = lanes.of_job(job.id)
    if row is None:
        return
    runs = job.runs
    if job.submitted is not None:
        seen = [r.start.t for r in runs] + [e.t for e in job.terminals]
        start_s = job.submitted.t
        until_s = max(start_s, min(seen, default=end_s))
        yield Bar(row, "wait", start_s, until_s, job.submitted.line, "waits")
    for run in runs:
        until_s = _run_until(job, run, end_s)
        what = str(run.start.get("task") or job.job_kind or "runs")
        yield Bar(row, "run", run.start.t, until_s, run.start.line, f"pid {run.pid}")
        process = lanes.of_pid(run.pid, run.start.get("pid_start"))
        if process is not None:
            label = f"{what} · {lanes.rows[row].label}"
            yield Bar(process, "run", run.start.t, until_s, run.start.line, label)
    for watcher in job.subscribers:
        lane = lanes.of_client(job.id, watcher.name)
        line = next(
            o.line
            for o in job.named("driver.subscribed")
            if o.get("subscriber") == watcher.name
        )
        if lane is not None:
            until_s = min(watcher.watched_until_s, end_s)
            yield Bar(lane, "watch", watcher.subscribed_t, until_s, line)


def _run_until(job: JobView, run: Run, end_s: float) -> float:
    """Return when a run ended: as told, or when its process was killed or gone."""
    gone = (o.t for o in job.named("probe.gone") if o.get("pid") == run.pid)
    ends = [e.t for e in (run.end, run.killed) if e is not None]
    return max(run.start.t, min([*ends, *(t for t in gone if t >= run.start.t), end_s]))


def _limits_of(job: JobView, lanes: Lanes, end_s: float) -> Iterator[Limit]:
    """Yield the limits that a run reached."""
    row = lanes.of_job(job.id)
    if row is None:
        return
    for run in job.runs:
        until_s = _run_until(job, run, end_s) + NEAR_LIMIT_S
        for kind, after_s in zip(("soft", "hard"), job.limits, strict=True):
            if after_s is not None and run.start.t + after_s <= until_s:
                yield Limit(row, run.start.t + after_s, kind, after_s)


def _lives(history: History, lanes: Lanes, end_s: float) -> Iterator[Bar]:
    """Yield how long each process is known to have lived."""
    seen: dict[int, list[Observation]] = {}
    for o in history.observations:
        for lane in lanes.of_line[o.line - 1]:
            if lanes.rows[lane].kind == "process":
                seen.setdefault(lane, []).append(o)
    for lane, found in seen.items():
        found.sort(key=lambda o: o.t)
        main = next((o for o in found if o.name == "stack.started"), None)
        first = main or found[0]
        ends = [o.t for o in found if _ends(o)]
        known_s = end_s if main else found[-1].t  # a child may have gone unseen
        until_s = min(ends, default=known_s)
        start_s = 0.0 if first.get("kept") else first.t
        yield Bar(lane, "life", start_s, max(start_s, until_s), first.line)


def _ends(o: Observation) -> bool:
    if o.name in ("stack.exited", "probe.gone"):
        return True
    deadly = str(o.get("fault")).startswith(_ENDS_PROCESS)
    return o.name == "fault.injected" and deadly and bool(o.get("bit"))


def _bands(history: History, end_s: float) -> Iterator[Band]:
    """Yield each fault with the healing that follows it, if one does."""
    healed = list(history.of(source="fault", kind="healed"))
    for o in history.of(source="fault", kind="injected"):
        heal = next((h for h in healed if _heals(h, o)), None)
        if heal is not None:
            healed.remove(heal)
        role = (o.get("victim") or {}).get("role")
        bit = bool(o.get("bit"))
        label = " ".join(str(x) for x in (o.get("fault"), role) if x)
        label = label if bit else f"{label} (hit nothing)"
        until_s = heal.t if heal is not None else o.t
        yield Band(o.t, min(until_s, end_s), o.line, label, bit)


def _heals(heal: Observation, fault: Observation) -> bool:
    role = (fault.get("victim") or {}).get("role")
    same = heal.get("fault") == fault.get("fault")
    return same and heal.t >= fault.t and heal.get("role") in (None, role)
