"""One observation, and the line of JSON it is on disk."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from harness.errors import HistoryError


@dataclass(frozen=True)
class Observation:
    """One line of a history; `t` is in seconds since the history began.

    `line` counts from 1, as an editor does. `observation["percent"]` reads the data.
    """

    t: float
    source: str
    kind: str
    job: str | None = None
    data: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    line: int = 0

    @property
    def name(self) -> str:
        """Return source and kind in one word, such as `driver.event`."""
        return f"{self.source}.{self.kind}"

    def __getitem__(self, key: str) -> Any:
        return self.data[key]

    def get(self, key: str, default: Any = None) -> Any:
        """Return an entry of the data, or `default`."""
        return self.data.get(key, default)

    def to_json(self) -> str:
        """Return the line for the file; unknown types become text."""
        record = {
            "t": round(self.t, 6),
            "source": self.source,
            "kind": self.kind,
            "job": self.job,
            "data": dict(self.data),
        }
        return json.dumps(record, ensure_ascii=False, default=str)


class Told(Protocol):
    """What tells of a process: an observation, or a part of one."""

    def get(self, key: str, /) -> Any:
        """Return an entry, None where there is none."""


def same_process(one: Told, other: Told) -> bool:
    """Whether both tell of one process: by pid, start and namespace, where both say so.

    A pid alone is recycled, and two containers have the same ones.
    """
    if int(one.get("pid") or 0) != int(other.get("pid") or 0):
        return False
    pairs = ((one.get(key), other.get(key)) for key in ("pid_start", "pid_ns"))
    return all(not mine or not theirs or mine == theirs for mine, theirs in pairs)


def parse_lines(text: str, path: Path) -> Iterator[Observation]:
    """Yield the observations of a file's text; a torn last line is dropped.

    Raises:
        HistoryError: a line is not an observation; names `path` and the line.
    """
    lines = text.split("\n")
    torn = lines.pop()  # empty where the last line is whole
    if torn:
        with contextlib.suppress(ValueError):
            json.loads(torn)
            lines.append(torn)
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
            yield Observation(
                float(record["t"]),
                str(record["source"]),
                str(record["kind"]),
                record.get("job"),
                record.get("data") or {},
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise HistoryError(
                f"{path}:{number} is not an observation: {line[:80]!r}. "
                "A history is one JSON object per line."
            ) from error
