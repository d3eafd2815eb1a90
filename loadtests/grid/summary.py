"""Repeats of a cell together: median, least and most of what was measured."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from loadtests.grid.record import QUANTILES, Measured


@dataclass(frozen=True)
class Spread:
    """Some values of one quantity, in its own unit."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """Return the spread of at least one value."""
        known = sorted(values)
        return cls(statistics.median(known), known[0], known[-1])


@dataclass(frozen=True)
class Series:
    """What cells have in common that belong into one map; fields as in a record."""

    app: str
    through: str
    engine: str
    service: str
    payload_bytes: int
    arrivals: float | None
    prefetch: str
    acks: str

    @classmethod
    def of(cls, record: Measured) -> "Series":
        """Return the series that a record belongs to."""
        return cls(*(getattr(record, field.name) for field in fields(cls)))

    @property
    def order(self) -> tuple[Any, ...]:
        """Its place among others: closed runs before open ones."""
        return tuple((v is not None, v) for v in asdict(self).values())


@dataclass(frozen=True)
class Summary:
    """A cell: its place, and what its repeats measured, units as in a record."""

    series: Series
    replicas: int
    concurrency: int
    slots: int
    asked_s: float
    ideal: float | None
    throughput: Spread
    efficiency: Spread | None
    service_s: Spread
    between_s: Spread | None
    wait_s: dict[str, Spread]
    memory_mib: Spread
    cpu_s: Spread
    broker_cpu_s: Spread
    busy: Spread
    jobs: int  #: of all repeats together
    failures: dict[str, int]  #: of all repeats together
    repeats: Sequence[Measured]

    @property
    def typical(self) -> Measured:
        """The repeat whose throughput is nearest to the median."""
        middle = self.throughput.median
        return min(self.repeats, key=lambda each: abs(each.throughput - middle))

    def to_json(self) -> dict[str, Any]:
        """Return the summary in JSON's types, without the repeats themselves."""
        told = asdict(self) | {"repeats": len(self.repeats)}
        return told.pop("series") | told


def summarize(records: Iterable[Measured]) -> list[Summary]:
    """Return the cells of these records, series by series, the fewest slots first."""
    cells = defaultdict(list)
    for record in records:
        place = Series.of(record), record.replicas, record.concurrency
        cells[place].append(record)
    found = [_summary(series, repeats) for (series, *_), repeats in cells.items()]
    return sorted(found, key=lambda c: (c.series.order, c.slots, c.replicas))


def _summary(series: Series, repeats: list[Measured]) -> Summary:
    repeats = sorted(repeats, key=lambda each: (each.repeat, each.seed))
    first = repeats[0]

    def spread(name: str) -> Spread | None:
        values = [getattr(each, name) for each in repeats]
        return None if None in values else Spread.of(values)

    names = ("throughput", "efficiency", "service_s", "between_s")
    names += ("memory_mib", "cpu_s", "broker_cpu_s", "busy")
    return Summary(
        series=series,
        replicas=first.replicas,
        concurrency=first.concurrency,
        slots=first.slots,
        asked_s=first.asked_s,
        ideal=first.ideal,
        wait_s={q: Spread.of(each.wait_s[q] for each in repeats) for q in QUANTILES},
        jobs=sum(each.jobs for each in repeats),
        failures=dict(sum((Counter(each.failures) for each in repeats), Counter())),
        repeats=repeats,
        **{name: spread(name) for name in names},
    )
