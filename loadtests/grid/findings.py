"""What the cells answer: the best one, where more slots stop paying, and why."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from loadtests.grid.summary import Series, Summary
from loadtests.grid.words import number, percent, place

#: Below this part of the ideal, more slots hardly pay.
EFFICIENT = 0.8

#: Slots that do this part of what arrives keep up: the rest came just before the end.
KEEPS_UP = 0.97

#: From this on the machine's processors, or the one Redis can use, are at their limit.
MACHINE_FULL, BROKER_FULL = 0.9, 0.8

#: A job so many times as long as asked for, or a slot idle for such a part, is told.
LONGER, IDLE = 1.1, 0.1

#: Repeats that differ by more than this part of their median are told.
APART = 0.2

#: A part of the machine that others may use unnoticed.
OTHERS = 0.1

#: Fewer jobs than these tell little of a 95th percentile.
FEW_JOBS = 60


@dataclass(frozen=True)
class Answer:
    """What one series answers."""

    series: Series
    best: Summary  #: of the highest throughput
    paying: Summary | None  #: of the highest throughput at a good efficiency
    drop: Summary | None  #: the first, by slots, at a bad efficiency
    why: Sequence[str]  #: of the drop: sentences without their dot
    enough: Summary | None  #: of the fewest slots that keep up with what arrives

    @property
    def shown(self) -> Summary:
        """The cell that answers: where jobs arrive, the fewest slots that keep up."""
        return self.enough or self.best


def answers(cells: Sequence[Summary], cores: int | None = None) -> list[Answer]:
    """Return one answer for each series.

    Args:
        cells: as `summarize` returns them.
        cores: processors of the machine, where they are known.
    """
    return [
        _answer(series, list(mine), cores)
        for series, mine in groupby(cells, key=lambda cell: cell.series)
    ]


def _answer(series: Series, cells: list[Summary], cores: int | None) -> Answer:
    def rate(cell: Summary) -> tuple[float, int]:
        return cell.throughput.median, -cell.slots  # of equal ones the smaller

    good = [c for c in cells if c.efficiency and c.efficiency.median >= EFFICIENT]
    drop = min(filter(wasteful, cells), key=_early, default=None)
    wanted = math.inf if series.arrivals is None else KEEPS_UP * series.arrivals
    return Answer(
        series,
        max(cells, key=rate),
        max(good, key=rate, default=None),
        drop,
        reasons(drop, cores) if drop else [],
        next((cell for cell in cells if cell.throughput.median >= wanted), None),
    )


def wasteful(cell: Summary) -> bool:
    """Whether a cell's efficiency is bad although there was work enough for it."""
    arrivals = cell.series.arrivals
    if cell.efficiency is None or cell.ideal is None:
        return False
    starved = arrivals is not None and arrivals < EFFICIENT * cell.ideal
    return cell.efficiency.median < EFFICIENT and not starved


def _early(cell: Summary) -> tuple[int, float]:
    return cell.slots, cell.efficiency.median if cell.efficiency else 1.0


def reasons(cell: Summary, cores: int | None = None) -> list[str]:
    """Return where a slot's time went, then which part was at its limit."""
    told = []
    service_s, asked_s = cell.service_s.median, cell.asked_s
    if asked_s and service_s > LONGER * asked_s:
        told.append(
            f"a job took {number(service_s)} s instead of the {number(asked_s)} s "
            "it was asked to"
        )
    if cell.between_s and cell.between_s.median > IDLE * (asked_s or service_s):
        told.append(
            f"a slot stood {number(cell.between_s.median)} s without a job "
            "between one and the next"
        )
    return told + _limits(cell, cores)


def _limits(cell: Summary, cores: int | None) -> list[str]:
    rate, busy = cell.throughput.median, cell.busy.median
    used, broker = cell.cpu_s.median * rate, cell.broker_cpu_s.median * rate
    told = []
    if busy >= MACHINE_FULL:
        all_of_them = f"{cores} processors" if cores else "processors"
        text = f"the machine's {all_of_them} were {percent(busy)} busy"
        told.append(f"{text}, {number(used)} of them with these jobs")
    if broker >= BROKER_FULL:
        told.append(f"Redis used {number(broker)} of the one processor it can use")
    if not told:
        told.append(
            f"neither the machine ({percent(busy)} busy) nor Redis "
            f"({number(broker)} of a processor) was at its limit"
        )
    return told


def notes(cells: Sequence[Summary], cores: int | None = None) -> list[str]:
    """Return what to know before a number is trusted, one sentence each."""
    told = []
    repeats = [each for cell in cells for each in cell.repeats]
    foreign = [
        each
        for each in repeats
        if cores and each.busy - each.cpu_s * each.throughput / cores > OTHERS
    ]
    if foreign:
        told.append(
            "Others than the measured parts, be it the sender of the jobs, used more "
            f"than {percent(OTHERS)} of the machine in {len(foreign)} of "
            f"{len(repeats)} measurements: without them the numbers may be better."
        )
    apart = [
        cell
        for cell in cells
        if cell.throughput.high - cell.throughput.low > APART * cell.throughput.median
    ]
    if apart:
        told.append(
            f"Repeats differ by more than {percent(APART)} of their median in "
            f"{_listed(apart)}: measure longer, or more often."
        )
    few = [cell for cell in cells if cell.jobs < FEW_JOBS]
    if few:
        told.append(
            f"Fewer than {FEW_JOBS} jobs ended in {_listed(few)}: the waiting times "
            "there tell little."
        )
    return told


def _listed(cells: Sequence[Summary]) -> str:
    """Return the first cells by name, and how many more there are."""
    names = dict.fromkeys(place(cell.replicas, cell.concurrency) for cell in cells)
    first = ", ".join([*names][:4])
    return f"{first} and {len(names) - 4} more" if len(names) > 4 else first
