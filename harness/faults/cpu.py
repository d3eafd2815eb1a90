"""Processor time is rationed, as on a node that others share."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from harness.faults.record import Victim, injected, main_of
from harness.recorder import Recorder
from harness.stack import Stack
from harness.wait import pause

_FAULT = "cpu_quota"

#: Seconds over which a share is measured: several periods of any quota.
MEASURE_S = 1.0

#: Times the quota that may be measured, for a quota is given in slices.
TOLERANCE = 1.5


@contextmanager
def quota(
    stack: Stack, history: Recorder, role: str, share: float
) -> Iterator[Victim | None]:
    """Let a part have this share of one processor while the body runs.

    Proof is the share it has had, measured before and under the quota: it bites where
    the part wanted more than it may have. One that idles is not hurt.
    """
    process, victim = stack.process(role), main_of(stack, role)

    def measured() -> float:
        begin, used = time.monotonic(), stack.engine.limits.cpu_s(process)
        pause(MEASURE_S)
        used = stack.engine.limits.cpu_s(process) - used
        return used / (time.monotonic() - begin)

    before = measured()
    try:
        with stack.engine.limits.cpu(process, share):
            after = measured()
            bit = victim is not None and before > TOLERANCE * share >= after
            proof = f"{before:.2f} of a processor before, {after:.2f} under {share:.2f}"
            injected(history, _FAULT, victim, bit=bit, proof=proof)
            yield victim if bit else None
    finally:
        history.record("fault", "healed", fault=_FAULT, role=role)
