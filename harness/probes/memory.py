"""How much memory a part of the application holds, in MiB, process by process.

A `MemoryProbe` is one way to know it. Without an accelerator the processes' own memory
is the device; what NVML says of a process on a card (`harness.probes.nvml`) is another,
with the same interface, and every look names the one it was made with.
"""

from dataclasses import dataclass
from typing import Protocol

from harness.engines import Engine, Process, ProcessId
from harness.probes.processes import is_gone


class MemoryProbe(Protocol):
    """Knows how much one process holds."""

    #: What a verdict calls it.
    name: str

    def of(self, process: ProcessId) -> float | None:
        """Return its memory in MiB, None where the process is gone, or as good as."""


class Pss:
    """Main memory: a page that several processes share is split among them.

    Summed over a tree of forks it so counts each page once.
    """

    name = "pss"

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, process: ProcessId) -> float | None:
        """Ask the kernel, through the engine."""
        # One that is about to end has given its memory back already.
        return self._engine.memory(process) or None


@dataclass(frozen=True)
class Share:
    """What one process holds, in MiB; `parent` is the pid of who started it."""

    process: ProcessId
    parent: int
    mib: float


#: How often a look is made anew while processes come and go; each takes 0.02-0.1 s.
TRIES = 5


@dataclass(frozen=True)
class Seen:
    """One look at all processes of a part.

    `steady` is False where one began or ended meanwhile: what two of them share is then
    counted half, or not at all.
    """

    shares: list[Share]
    steady: bool

    @property
    def mib(self) -> float:
        """Return what they hold together."""
        return sum(share.mib for share in self.shares)


def choose(engine: Engine, device: str) -> MemoryProbe:
    """Return the probe for a target's device: "memory" or "nvml".

    Raises:
        NotApplicable: there is no card to look at.
    """
    if device == "nvml":
        from harness.probes.nvml import Nvml

        return Nvml(engine)
    return Pss(engine)


class Members:
    """The processes of one part: its tree, and who was in it and has not ended.

    An orphan leaves the tree when its parent dies, and holds what it held.
    """

    def __init__(self, engine: Engine, probe: MemoryProbe) -> None:
        self._engine = engine
        self._probe = probe
        self._parents: dict[ProcessId, int] = {}

    def look(self, process: Process) -> Seen:
        """Look at what each holds now, until one look is steady or `TRIES` were not."""
        for _ in range(TRIES):
            before = self._living(process)
            shares = [
                Share(m, self._parents[m], mib)
                for m in before
                if (mib := self._probe.of(m)) is not None
            ]
            steady = len(shares) == len(before) and before == self._living(process)
            if steady:
                break
        return Seen(shares, steady)

    def _living(self, process: Process) -> list[ProcessId]:
        for info in self._engine.tree(process):
            # The first parent is the one that started it.
            self._parents.setdefault(info.id, info.parent)
        ended = [m for m in self._parents if is_gone(self._engine, m)]
        for member in ended:
            del self._parents[member]
        return list(self._parents)
