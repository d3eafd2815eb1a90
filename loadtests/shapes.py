"""Shapes of a load: which part of the highest rate, or of all users, is there when.

A shape is a line through points (place in the run, part of the highest), both from 0
to 1. Two points at the same place are a jump.
"""

import itertools
import math
from collections.abc import Iterator

_STEADY = ((0.0, 1.0), (1.0, 1.0))

#: Soak is steady: what differs is that it may last for hours.
SHAPES: dict[str, tuple[tuple[float, float], ...]] = {
    "steady": _STEADY,
    "ramp": ((0.0, 0.1), (1.0, 1.0)),
    "spike": ((0.0, 0.2), (0.4, 0.2), (0.4, 1.0), (0.6, 1.0), (0.6, 0.2), (1.0, 0.2)),
    "soak": _STEADY,
}

#: Seconds a run of each shape may last.
LONGEST_S = {"steady": 3600.0, "ramp": 3600.0, "spike": 3600.0, "soak": 86_400.0}


def part(shape: str, place: float) -> float:
    """Return the part of the highest at this place of the run; at a jump, the next."""
    for x0, y0, x1, y1 in _pieces(shape):
        if place < x1:
            return y0 + (y1 - y0) * (max(place, x0) - x0) / (x1 - x0)
    return SHAPES[shape][-1][1]


def mean(shape: str) -> float:
    """Return the mean part of the highest over the run."""
    return sum(_area(piece) for piece in _pieces(shape))


def place_of(shape: str, done: float) -> float:
    """Return the place in the run at which this share of all arrivals has come."""
    left = min(max(done, 0.0), 1.0) * mean(shape)
    for piece in _pieces(shape):
        x0, y0, x1, y1 = piece
        if left <= _area(piece):
            slope = (y1 - y0) / (x1 - x0)
            # The root of slope/2 d^2 + y0 d = left, in the form that bears slope 0.
            width = 2 * left / (y0 + math.sqrt(max(0.0, y0 * y0 + 2 * slope * left)))
            return min(x0 + width, x1)
        left -= _area(piece)
    return 1.0


def _pieces(shape: str) -> Iterator[tuple[float, float, float, float]]:
    points = SHAPES[shape]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if x1 > x0:
            yield x0, y0, x1, y1


def _area(piece: tuple[float, float, float, float]) -> float:
    x0, y0, x1, y1 = piece
    return (x1 - x0) * (y0 + y1) / 2
