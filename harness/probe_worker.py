"""A worker of the harness's own for probe tasks, shared by tests, a queue for each."""

import itertools
from dataclasses import dataclass, field

from harness.errors import StackError

#: Private queues a probe worker declares at boot: one per test, none added later (a
#: queue added to a running worker is served up to 1 s late).
PROBE_QUEUES = 64


@dataclass
class ProbeWorker:
    """One started probe worker; `role` names it in the stack."""

    role: str
    queues: tuple[str, ...]
    _unused: "itertools.count[int]" = field(default_factory=itertools.count, repr=False)

    @classmethod
    def numbered(cls, number: int) -> "ProbeWorker":
        """Return the worker of this number, with its queues."""
        queues = tuple(f"qp-{number}-{index}" for index in range(PROBE_QUEUES))
        return cls(f"probe-{number}", queues)

    def queue(self) -> str:
        """Return a queue nobody used before on this worker; StackError after the last.

        Safe to call from any thread.
        """
        index = next(self._unused)
        if index >= len(self.queues):
            raise StackError(
                f"{self.role} has given out all {len(self.queues)} private queues. "
                "Start a new stack."
            )
        return self.queues[index]
