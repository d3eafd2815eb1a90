"""A record: what was measured in one cell of the grid, in one repeat."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

#: What these fields may say; `prefetch` is "deployed" or a number.
CHOICES = {
    "through": ("queue", "api"),
    "engine": ("process", "container"),
    "acks": ("deployed", "early", "late"),
}

#: Which waits a record tells.
QUANTILES = ("p50", "p95", "p99")


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What is to be measured: a cell, and which repeat of it.

    Raises:
        ValueError: a field has a value that cannot be; the message names it.
    """

    app: str  #: name of the target: "reference", "stock", any
    through: str  #: "queue": sent straight into it; "api": submitted by HTTP
    engine: str  #: "process" or "container"
    replicas: int  #: workers
    concurrency: int  #: children of each worker
    prefetch: str  #: "deployed" or a number, messages per child
    acks: str  #: "deployed", "early" or "late"
    service: str  #: distribution of the seconds a job takes: "fixed:0.1"
    asked_s: float  #: its mean
    payload_bytes: int  #: that travel with each message
    arrivals: float | None  #: jobs/s; None: always as many as there is room for
    repeat: int
    seed: int

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            try:
                _check(field.name, read := _READ[field.type](value))
            except (TypeError, ValueError) as error:
                raise ValueError(
                    f"`{field.name}` cannot be {value!r}: expected {error}."
                ) from error
            object.__setattr__(self, field.name, read)  # one form, as read from JSON

    @property
    def slots(self) -> int:
        """How many jobs can run at a time."""
        return self.replicas * self.concurrency

    @property
    def ideal(self) -> float | None:
        """Jobs/s of slots that are never idle; None where a job takes no time."""
        return self.slots / self.asked_s if self.asked_s else None


@dataclass(frozen=True, kw_only=True)
class Measured(Planned):
    """What was measured; all of it in the measured part, after the warm-up.

    Raises:
        ValueError: a field has a value that cannot be; the message names it.
    """

    jobs: int  #: that ended
    throughput: float  #: jobs/s
    service_s: float  #: mean seconds of a job, measured in the task
    wait_s: dict[str, float]  #: p50, p95, p99 of the seconds from sent to started
    memory_mib: float  #: of all workers together
    cpu_s: float  #: processor seconds per job, all parts
    broker_cpu_s: float  #: of these, those of Redis
    backlog: list[tuple[float, int]]  #: (seconds since the begin, jobs waiting)
    failures: dict[str, int]  #: how many jobs failed of what
    busy: float  #: part of the machine's processors in use by anybody, 0 to 1

    @property
    def efficiency(self) -> float | None:
        """Throughput as a part of the ideal; None where a job takes no time."""
        return self.throughput / self.ideal if self.ideal else None

    @property
    def between_s(self) -> float | None:
        """Seconds of a slot per job in which no job runs; None where none ended.

        Negative where more jobs ended in the measured part than began in it.
        """
        rate = self.throughput
        return self.slots / rate - self.service_s if rate else None

    def to_json(self) -> dict[str, Any]:
        """Return the fields in JSON's types; `from_json` takes them."""
        return asdict(self) | {"backlog": [list(point) for point in self.backlog]}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Measured":
        """Return the record of such fields.

        Raises:
            ValueError: a field is missing, unknown or cannot be; the message names it.
        """
        names = {field.name for field in fields(cls)}
        for problem, found in (("lacks", names - {*told}), ("has", {*told} - names)):
            if found:
                listed = ", ".join(f"`{name}`" for name in sorted(found))
                unknown = " that no record has" if problem == "has" else ""
                raise ValueError(f"The record {problem} {listed}{unknown}.")
        return cls(**told)


def _check(name: str, value: Any) -> None:
    """Raise ValueError with what a field should be, where its type is not enough."""
    if name in CHOICES and value not in CHOICES[name]:
        raise ValueError(" or ".join(map(repr, CHOICES[name])))
    if name == "prefetch" and not (value == "deployed" or value.isdecimal()):
        raise ValueError("'deployed' or a number in a text")
    if name in ("replicas", "concurrency") and value < 1:
        raise ValueError("at least 1")
    if name == "busy" and value > 1:
        raise ValueError("a part of 1")
    if name == "wait_s" and {*value} != {*QUANTILES}:
        raise ValueError(f"exactly {', '.join(QUANTILES)}")


def _word(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("a text")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError("a whole number that is not negative")
    return value


def _number(value: Any) -> float:
    right = isinstance(value, int | float) and not isinstance(value, bool)
    if not right or not 0 <= value <= sys.float_info.max:  # nor is it not a number
        raise TypeError("a number that is finite and not negative")
    return float(value)


def _rate(value: object) -> float | None:
    return None if value is None else _number(value)


def _numbers(value: object) -> dict[str, float]:
    return {_word(name): _number(each) for name, each in _mapping(value).items()}


def _counts(value: object) -> dict[str, int]:
    return {_word(name): _count(each) for name, each in _mapping(value).items()}


def _mapping(value: object) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise TypeError("names with numbers")
    return value


def _points(value: object) -> list[tuple[float, int]]:
    if not isinstance(value, list | tuple):
        raise TypeError("a list of [seconds, jobs]")
    if any(not isinstance(point, list | tuple) or len(point) != 2 for point in value):
        raise TypeError("pairs of seconds and jobs")
    return [(_number(at_s), _count(jobs)) for at_s, jobs in value]


#: How a field's value is read and checked, by the field's type.
_READ: dict[Any, Callable[[object], Any]] = {
    str: _word,
    int: _count,
    float: _number,
    float | None: _rate,
    dict[str, float]: _numbers,
    dict[str, int]: _counts,
    list[tuple[float, int]]: _points,
}
