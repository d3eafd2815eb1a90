"""What a line of a training script says, if it says anything.

Scripts say it in many ways (`Epoch 50/300, Loss: 0.0423`, `epoch [50/300] loss=-1e-3`,
`50%|█████`), and most of what they print is something else: that is no error.
"""

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

#: Characters of a line that are looked at; a longer one is not for people.
LONGEST = 2_000

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_EPOCH = re.compile(
    r"\bepoch\s*[:#=\[(]?\s*(\d{1,9})(?!\d)(?:\s*(?:/|of)\s*(\d{1,9})(?!\d))?", re.I
)
_LOSS = re.compile(rf"\bloss\w*\s*[:=]?\s*({_NUMBER})(?![\w.])", re.I)
_PERCENT = re.compile(rf"(?<![\w.])({_NUMBER})\s?%")


class Said(NamedTuple):
    """What a line says; None is what it does not."""

    epoch: int | None = None
    total: int | None = None
    loss: float | None = None
    percent: float | None = None


def parse(line: str) -> Said | None:
    """Return what a line says of the progress, None if it says nothing of it."""
    line = line[:LONGEST]
    epoch, loss, percent = (each.search(line) for each in (_EPOCH, _LOSS, _PERCENT))
    said = Said(
        epoch=int(epoch[1]) if epoch else None,
        total=int(epoch[2]) if epoch and epoch[2] else None,
        loss=_finite(float(loss[1])) if loss else None,
        percent=_within(float(percent[1])) if percent else None,
    )
    if said.epoch is None and said.percent is None:
        return None
    return said


class Lines:
    """Bytes in, whole lines out; a line ends at a newline or a carriage return."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[str]:
        """Yield the lines that `chunk` completes; empty ones are left out."""
        *whole, self._rest = re.split(rb"[\r\n]+", self._rest + chunk)
        # Who never ends a line must not fill the memory.
        self._rest = self._rest[-4 * LONGEST :]
        yield from (text for each in whole if (text := _text(each)))

    def end(self) -> Iterator[str]:
        """Yield what came after the last line's end."""
        yield from self.feed(b"\n")


def _text(line: bytes) -> str:
    return line.decode("utf-8", errors="replace").strip()


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _within(percent: float) -> float | None:
    return percent if 0 <= percent <= 100 else None
