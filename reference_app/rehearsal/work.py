"""What a rehearsal does: it waits, or computes, in steps that it reports."""

import threading
import time
from collections.abc import Mapping
from typing import Any, Protocol


class Context(Protocol):
    """What a rehearsal needs of an attempt."""

    def report(self, percent: float, message: str) -> None:
        """Show progress, 0 to 100."""

    def check_cancelled(self) -> None:
        """Raise if the user does not want the job any more."""


def run(request: Mapping[str, Any], ctx: Context) -> dict[str, Any]:
    """Take `seconds`, in `steps`; of each the part `computing` is processor time."""
    steps, seconds = int(request["steps"]), float(request["seconds"])
    for step in range(steps):
        ctx.report(100 * step / steps, f"Step {step + 1} of {steps}")
        computing_s = seconds / steps * float(request["computing"])
        _compute(computing_s)
        # As a sleep; the handler of the soft limit ends it.
        threading.Event().wait(seconds / steps - computing_s)
        ctx.check_cancelled()
    return {"seconds": seconds, "payload_bytes": len(request["payload"].encode())}


def _compute(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
