"""The law about how many use a device at once, and what becomes of a dead one's place.

A job marks in the journal when it takes a device and when it gives it back. On a card
NVML tells besides who uses it, whatever they say.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.contract import Bound, contract
from harness.history import History, Observation
from harness.job_view import JobView, Run
from harness.memory_view import CARD, Look, looks
from harness.verdict import Verdict, holds, inconclusive, merge, violated

#: How the marks of a job begin and end, around the name of the device.
TAKEN, GIVEN_BACK = ("device ", " taken"), ("device ", " given back")

#: Seconds after the end of a killed process at which it is noted as such; typical 0.02.
#: For so long the next one may have the device already.
NOTED_S = 0.5


@contract(
    id="memory.device-is-not-overbooked",
    code="GPU-004",
    claim="No more jobs use a device at once than it takes, those of all workers and "
    "of the old path together, and the place of one that dies is free for the next",
    user_sees="jobs that fail for want of memory, now this one, now that, whenever "
    "two people work at the same time; or after a crash nobody gets the device",
    likely="each worker runs one job at a time, and there are two of them during a "
    "deployment; the fallback in the API knows nothing of the workers; or the lock is "
    "a file or a key that only its holder removes",
    source="pytorch#44156; flock(2): the kernel gives back the place of a dead holder",
    needs=("api", "worker", "job", "journal"),
    bounds={
        "jobs": Bound(1.0, "jobs", "at once on one device; what it takes"),
        "t_free_s": Bound(5.0, "s", "from a death to the next one's turn; typical 0.1"),
    },
)
def not_overbooked(history: History, bounds: Mapping[str, float]) -> Verdict:
    """Count who uses each device at once, by the marks of the jobs and by the card."""
    uses = sorted(_uses(history), key=lambda use: use.from_t)
    verdicts = [
        verdict
        for look in looks(history)
        if (verdict := _crowd(look, bounds["jobs"])) is not None
    ]
    for device in sorted({use.device for use in uses}):
        mine = [use for use in uses if use.device == device]
        verdicts.append(_taken_in_turn(device, mine, bounds["jobs"]))
        verdicts += _freed(device, mine, history, bounds["t_free_s"])
    return merge(verdicts, nothing="No job said that it uses a device.")


@dataclass(frozen=True)
class _Use:
    """A device in the hands of one job; `noted_t` is when its end was seen.

    The end itself, `until_t`, was perhaps before, where it is a death.
    """

    job: JobView
    run: Run
    device: str
    mark: Observation
    noted_t: float
    until_t: float

    @property
    def from_t(self) -> float:
        return self.mark.t


def _uses(history: History) -> Iterator[_Use]:
    for job in history.jobs:
        for run in job.runs:
            gone = (o for o in job.sightings(run) if o.name == "probe.gone")
            died = (o.t for o in (run.killed, *gone) if o is not None)
            noted_t = run.end.t if run.end else min(died, default=math.inf)
            until_t = noted_t - (0.0 if run.end else NOTED_S)
            for mark in run.marks:
                device = _device(mark, TAKEN)
                if device is not None:
                    back = [
                        m.t
                        for m in run.marks
                        if _device(m, GIVEN_BACK) == device and m.t >= mark.t
                    ]
                    ends = (min([*back, noted_t]), min([*back, until_t]))
                    yield _Use(job, run, device, mark, *ends)


def _device(mark: Observation, around: tuple[str, str]) -> str | None:
    name, (begin, end) = str(mark.get("name")), around
    mine = name.startswith(begin) and name.endswith(end)
    return name.removeprefix(begin).removesuffix(end) if mine else None


def _taken_in_turn(device: str, uses: list[_Use], jobs: float) -> Verdict:
    most: list[_Use] = []
    for use in uses:
        at_once = [u for u in uses if u is use or u.from_t <= use.from_t < u.until_t]
        most = max(most, at_once, key=len)
    expected = f"at most {jobs:g} at once on {device}"
    told = ", ".join(f"job {use.job.id[:8]} in pid {use.run.pid}" for use in most)
    evidence = tuple(use.mark.line for use in most)
    if len(most) > jobs:
        return violated(
            f"{len(most)} jobs used {device} at once.",
            expected=expected,
            observed=f"{told}, at {most[-1].from_t:.2f} s",
            evidence=evidence,
            job=most[-1].job.id,
            measured={"jobs": float(len(most))},
        )
    if not any(_wanted_meanwhile(use, uses) for use in uses):
        return inconclusive(
            f"While one job used {device}, no other wanted it.",
            expected=f"{expected}, while another one waits",
            observed=f"{len(uses)} uses, one after the other",
            evidence=evidence,
        )
    return holds(
        f"{len(uses)} jobs took turns on {device}.",
        expected=expected,
        observed=f"at most {len(most)}",
        evidence=tuple(use.mark.line for use in uses),
        measured={"jobs": float(len(most))},
    )


def _wanted_meanwhile(use: _Use, uses: list[_Use]) -> bool:
    """Return whether another job of these kinds was there and had to wait.

    It took the device afterwards, or came to its end without.
    """
    kinds = {u.job.job_kind for u in uses}
    return any(
        run.start.t < use.noted_t
        and (run.end is None or run.end.t > use.from_t)
        and not any(_device(m, TAKEN) and m.t < use.until_t for m in run.marks)
        for job in use.job.history.jobs
        for run in job.runs
        if job.job_kind in kinds and run is not use.run
    )


def _freed(
    device: str, uses: list[_Use], history: History, t_free_s: float
) -> Iterator[Verdict]:
    """Judge what became of the place of each job that was killed on the device."""
    for use in uses:
        killed = use.run.killed
        if killed is None or not _somebody_waits(use, killed.t, history):
            continue
        due_t, until_s = killed.t + t_free_s, history.watched_until_s
        # A death is noted late, so `until_t` may lie before its own begin.
        free_t = max(use.from_t, use.until_t)
        after = (u for u in uses if u is not use and u.from_t >= free_t)
        following = next(after, None)
        expected = f"the next job takes {device} before {due_t:.2f} s"
        if following is not None and following.from_t <= due_t:
            took_s = max(0.0, following.from_t - killed.t)
            yield holds(
                f"Killed on {device}; the next took it {took_s:.2f} s later.",
                expected=expected,
                evidence=(killed.line, following.mark.line),
                measured={"t_free_s": took_s},
                job=use.job.id,
            )
            continue
        late = following is not None or until_s >= due_t
        yield (violated if late else inconclusive)(
            f"The place of a killed job on {device} stayed taken."
            if late
            else f"Watching stopped before {device} was due to be free.",
            expected=expected,
            observed=f"at {following.from_t:.2f} s"
            if following
            else f"nobody did until {until_s:.2f} s",
            evidence=(killed.line,),
            job=use.job.id,
            timed=late,
            due_t=None if late else due_t,
        )


def _somebody_waits(use: _Use, killed_t: float, history: History) -> bool:
    """Return whether another job had begun by then, and had not had the device yet."""
    return any(
        run.start.t < killed_t
        and run.start.source == "journal"
        and (run.end is None or run.end.t > killed_t)
        and not any(_device(m, TAKEN) and m.t < use.until_t for m in run.marks)
        for job in history.jobs
        for run in job.runs
        if run is not use.run
    )


def _crowd(look: Look, jobs: float) -> Verdict | None:
    """Return a violation where the card knows of more processes, else None."""
    on_it = [share for share in look.shares if share["mib"]]
    if look.observation.get("by") != CARD or len(on_it) <= jobs:
        return None
    return violated(
        f"{len(on_it)} processes of the {look.observation.get('role')} use the card.",
        expected=f"at most {jobs:g} at once",
        observed=look.told,
        evidence=(look.observation.line,),
        measured={"jobs": float(len(on_it))},
    )
