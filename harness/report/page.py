"""One verdict as a page: what was promised, what was seen, how to see it again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from harness.contract import Contract, find_contract
from harness.history import History, Observation
from harness.verdict import PRECEDENCE, Status, Verdict

#: Lines of evidence that are shown and not only named.
SHOWN_LINES = 6

#: What tells most about an observation, in this order.
_TELLING = (
    *("event", "state", "how", "fault", "answer", "name", "seq", "percent", "reason"),
    *("attempt", "code", "subscriber", "pid", "gap_s", "within_s", "ended", "proof"),
)


@dataclass(frozen=True)
class Situation:
    """Where a verdict was found: the test, how to run it again, the history's file."""

    test: str
    again: str
    history_path: Path | None = None


def failure_pages(
    verdicts: Mapping[str, Verdict], history: History, situation: Situation
) -> list[str]:
    """Return the pages of what does not hold, the worst first.

    Contracts that fail for the same reason share a page.
    """
    pages = []
    for id, *also in failures(verdicts):
        page = failure_page(find_contract(id), verdicts[id], history, situation)
        pages.append("\n".join([page, *(f"  {'also':<10} {other}" for other in also)]))
    return pages


def failures(verdicts: Mapping[str, Verdict]) -> list[list[str]]:
    """Return the ids of what does not hold, the worst first, one group per reason."""
    bad = [id for id, v in verdicts.items() if v.status is not Status.HOLDS]
    bad.sort(key=lambda id: PRECEDENCE.index(verdicts[id].status))
    groups: dict[str, list[str]] = {}
    for id in bad:
        groups.setdefault(verdicts[id].summary, []).append(id)
    return list(groups.values())


def failure_page(
    contract: Contract, verdict: Verdict, history: History, situation: Situation
) -> str:
    """Return the page of a verdict that does not hold."""
    broken = verdict.status is Status.VIOLATED
    rows = [
        ("claim", contract.claim),
        ("summary", verdict.summary),
        ("expected", verdict.expected),
        ("observed", verdict.observed),
        ("user sees", contract.user_sees if broken else ""),
        ("likely", f"{contract.likely} (a guess)" if broken else ""),
        ("source", contract.source if broken else ""),
        ("evidence", _evidence(verdict, history, situation)),
        ("again", situation.again),
    ]
    head = [f"{contract.id} {verdict.status.upper()}", *surroundings(verdict, history)]
    lines = [" · ".join(head)]
    for name, text in rows:
        if text:
            first, *rest = text.split("\n")
            lines.append(f"  {name:<10} {first}")
            lines += [f"  {'':<10} {line}" for line in rest]
    return "\n".join(lines)


def surroundings(verdict: Verdict, history: History) -> list[str]:
    """Return job, situation and faults: where a verdict comes from, in short."""
    found = []
    if verdict.job:
        found.append(f"job {verdict.job[:8]}")
    found += [o["name"] for o in history.of(source="harness", kind="situation")]
    for fault in history.of(source="fault", kind="injected"):
        victim = fault.get("victim") or {}
        role = victim.get("role") or "nobody"
        found.append(f"fault: {fault.get('fault')} ({role}) at {fault.t:.2f} s")
    return found


def _evidence(verdict: Verdict, history: History, situation: Situation) -> str:
    if not verdict.evidence:
        return str(situation.history_path or "")
    name = situation.history_path or "history.jsonl"
    lines = sorted(set(verdict.evidence))
    shown = [
        _sketch(history.observations[number - 1])
        for number in lines[:SHOWN_LINES]
        if 0 < number <= len(history.observations)
    ]
    return "\n".join([f"{name}:{_ranges(lines)}", *shown])


def _sketch(o: Observation) -> str:
    return f"{o.line:>5}  {o.t:8.3f} s  {o.name}  {telling(o)}"[:160]


def telling(o: Observation) -> str:
    """Return what tells most about an observation, as `key=value` words."""
    return " ".join(f"{k}={o.get(k)}" for k in _TELLING if o.get(k) is not None)


def _ranges(numbers: Iterable[int]) -> str:
    """Return 3,4,5,9 as 3-5,9."""
    parts = []
    for _, group in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        run = [number for _, number in group]
        parts.append(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]))
    return ",".join(parts)
