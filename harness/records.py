"""Turns what other processes wrote (ledger, journal) into observations.

Lines carry CLOCK_MONOTONIC; within one boot and one time namespace that is our own
clock, so their time is exact. Other lines are placed by wall time.
"""

import time
from collections.abc import Iterator
from pathlib import Path

from harness.history import Observation
from harness.ledger import Folder, Line

#: Keys of a line that place it; they are not kept as data.
_PLACING = ("t_mono", "t_wall", "boot", "time_ns", "what", "job")


class Follower:
    """Yields what a folder received since the last call, as observations.

    Args:
        folder: where the `*.jsonl` files are, now or later.
        source: `ledger` or `journal`.
        from_now: leave out what the folder holds already (a kept stack's past).
    """

    def __init__(self, folder: Path, source: str, *, from_now: bool = True) -> None:
        self.source = source
        self._folder = Folder(folder)
        self._clock = _clock_domain()
        if from_now:
            self._folder.new_lines()

    def __call__(self, start_mono: float) -> Iterator[Observation]:
        """Yield the new lines, `t` counted from `start_mono`; damaged ones are left."""
        wall_offset_s = time.time() - time.monotonic()
        for line in self._folder.new_lines():
            if "what" not in line or "t_mono" not in line:
                continue
            t = self._monotonic(line, wall_offset_s) - start_mono
            data = {k: v for k, v in line.items() if k not in _PLACING}
            yield Observation(t, self.source, line["what"], line.get("job"), data)

    def _monotonic(self, line: Line, wall_offset_s: float) -> float:
        boot, time_ns = self._clock
        same_boot = line.get("boot") in (None, boot)
        if same_boot and line.get("time_ns") in (None, time_ns):
            return float(line["t_mono"])
        return float(line["t_wall"]) - wall_offset_s


def _clock_domain() -> tuple[str, str]:
    """Return boot id and time namespace of this process; empty where unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        time_ns = str(Path("/proc/self/ns/time").readlink())
    except OSError:
        return "", ""
    return boot, time_ns
