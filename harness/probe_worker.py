"""A worker of the harness's own for probe tasks, shared by tests, a queue for each."""

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.errors import StackError

#: Private queues a probe worker declares at boot: one per test, none added later (a
#: queue added to a running worker is served up to 1 s late).
PROBE_QUEUES = 64

#: How the roles, and with them the node names, of these workers begin.
ROLE = "probe-"


def deployed(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return, of answers by node name, those of workers that the target deploys.

    A probe worker answers on the same broker, and may be the first or the only one.
    """
    ours = re.compile(rf"{ROLE}\d+@")
    return {name: told for name, told in answers.items() if not ours.match(name)}


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
        return cls(f"{ROLE}{number}", queues)

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
