"""What a history shows of the worker's memory: looks, its rest, what a run held."""

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from harness.observation import same_process

if TYPE_CHECKING:
    from harness.history import History
    from harness.job_view import Run
    from harness.observation import Observation

#: At rest is the median of so many looks, the last ones before any job holds memory.
LOOKS_AT_REST = 5

#: The name of the mark by which a run says that it holds its memory.
HELD = "held"

#: The probe that looks at a card, see `harness.probes.nvml`.
CARD = "nvml"

#: How many processes are named in words, the largest first.
NAMED = 4


@dataclass(frozen=True)
class Look:
    """One look of a probe at all processes of the worker; times in seconds."""

    observation: "Observation"

    @property
    def mib(self) -> float:
        """Return what they hold together."""
        return float(self.observation["mib"])

    @property
    def began_t(self) -> float:
        """Return when it began: what was true then, it saw."""
        return self.observation.t - float(self.observation.get("took_s") or 0.0)

    @property
    def t(self) -> float:
        """Return when it was over."""
        return self.observation.t

    @property
    def steady(self) -> bool:
        """Return whether nobody came or went meanwhile: else the sum is no sum."""
        return bool(self.observation["steady"])

    @property
    def shares(self) -> list[dict[str, Any]]:
        """Return its processes: pid, pid_start, pid_ns, parent and mib of each."""
        return list(self.observation.get("processes") or ())

    def held_by(self, run: "Run") -> float:
        """Return what the run's process holds, with all that started below it."""
        mine = [share for share in self.shares if same_process(share, run.start)]
        for share in mine:
            below = [s for s in self.shares if s["parent"] == share["pid"]]
            mine += [s for s in below if s not in mine]
        return sum(float(share["mib"]) for share in mine)

    @property
    def told(self) -> str:
        """Return in words who held how much, and which probe saw it."""
        largest = sorted(self.shares, key=lambda s: -float(s["mib"]))[:NAMED]
        each = ", ".join(f"pid {s['pid']}: {s['mib']:.0f}" for s in largest)
        by, whole = self.observation.get("by"), self.observation.get("container_mib")
        of_all = f"; its container: {whole:.0f}" if whole else ""
        return f"{self.mib:.0f} MiB by {by} at {self.t:.2f} s ({each}{of_all})"


def looks(history: "History") -> list[Look]:
    """Return the looks at the worker, in the order of time."""
    seen = history.of(source="probe", kind="memory")
    return [Look(o) for o in seen if o.get("role") == "worker"]


def at_rest_mib(history: "History") -> float | None:
    """Return what the worker holds after a first job, before any that holds memory.

    None where nobody looked often enough.
    """
    declared = history.of(source="harness", kind="holds")
    until_t = min((o.t for o in declared), default=math.inf)
    ends = (end.t for job in history.jobs for run in job.runs for end in run.ends)
    from_t = min(ends, default=math.inf)
    found = [
        look
        for look in looks(history)
        if look.steady and from_t < look.began_t and look.t < until_t
    ]
    last = [look.mib for look in found[-LOOKS_AT_REST:]]
    return median(last) if len(last) == LOOKS_AT_REST else None
