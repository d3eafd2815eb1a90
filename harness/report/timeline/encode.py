"""A timeline as the data that the page carries: plain, compact JSON types."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from harness.history import History
from harness.report.timeline.crop import Crop
from harness.report.timeline.marks import KINDS
from harness.report.timeline.model import Timeline
from harness.verdict import Verdict

#: Digits after the point of a time in seconds.
DIGITS = 6


def encode(
    whole: Timeline,
    history: History,
    verdicts: Iterable[tuple[str, Verdict, Crop]],
) -> dict[str, Any]:
    """Return what `data.js` reads; a job, a name and a kind are indices."""
    jobs = _Index()
    names = _Index()
    return {
        "end": round(whole.end_s, DIGITS),
        "kinds": KINDS,
        "lanes": [
            [lane.kind, lane.label, lane.note, sorted(jobs.of(j) for j in lane.jobs)]
            for lane in whole.lanes
        ],
        "bars": [
            [b.lane, b.kind, _t(b.start_s), _t(b.end_s), b.line, b.label]
            for b in whole.bars
        ],
        "bands": [
            [_t(b.start_s), _t(b.end_s), b.line, b.label, b.bit] for b in whole.bands
        ],
        "marks": [[m.lane, m.line, KINDS.index(m.kind), m.label] for m in whole.marks],
        "limits": [[x.lane, _t(x.t), x.kind, x.after_s] for x in whole.limits],
        "seen": [
            [_t(o.t), names.of(o.name), jobs.of(o.job) if o.job else -1, plain(o.data)]
            for o in history.observations
        ],
        "verdicts": [
            {
                "contract": id,
                "status": str(verdict.status),
                "evidence": sorted(set(verdict.evidence)),
                "from": _t(seen.start_s),
                "to": _t(seen.end_s),
                "lanes": seen.lanes,
            }
            for id, verdict, seen in verdicts
        ],
        "jobs": jobs.words,
        "names": names.words,
    }


def plain(value: Any) -> Any:
    """Return JSON types that a browser can parse: it knows neither NaN nor Infinity."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value


def _t(seconds: float) -> float:
    return round(seconds, DIGITS)


class _Index:
    """Gives each word a number, in the order in which they come."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def of(self, word: str) -> int:
        return self._numbers.setdefault(word, len(self._numbers))

    @property
    def words(self) -> list[str]:
        return list(self._numbers)
