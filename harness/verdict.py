"""A verdict: holds, violated or inconclusive, with the evidence.

Unknown is its own answer. A law that saw nothing has not held.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any


class Status(StrEnum):
    """What can be said about a contract."""

    HOLDS = "holds"  #: The promise was tested and kept.
    VIOLATED = "violated"  #: The promise was broken; the evidence shows where.
    INCONCLUSIVE = "inconclusive"  #: Nothing can be said; the summary says why.


#: Which status speaks for a group: the first of these that occurs in it.
PRECEDENCE = (Status.VIOLATED, Status.INCONCLUSIVE, Status.HOLDS)


class ExitCode(IntEnum):
    """The exit codes of every command."""

    HOLDS = 0  #: All hold, or are not applicable.
    VIOLATED = 1  #: At least one contract is violated.
    WRONG_USE = 2  #: Wrong use, or a wrong description of the target.
    INCONCLUSIVE = 3  #: Something could not be judged.
    HARNESS_FAILED = 4  #: The harness itself failed.


@dataclass(frozen=True)
class Verdict:
    """What a law says about one history.

    Args:
        status: holds, violated or inconclusive.
        summary: one sentence that can stand alone.
        expected: what the law wants, with numbers.
        observed: what was seen instead, with numbers.
        evidence: line numbers in history.jsonl, from 1.
        measured: what was measured, in the unit of the bound of the same name.
        job: the job it speaks about, None for all.
        timed: whether it rests on something being late; then a stalled machine makes
            it inconclusive.
        due_t: of an inconclusive one: the time, in seconds since the history began,
            until which watching on would decide it; None where it would not help.
    """

    status: Status
    summary: str
    expected: str = ""
    observed: str = ""
    evidence: tuple[int, ...] = ()
    measured: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    job: str | None = None
    timed: bool = False
    due_t: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        measured = {k: round(v, 4) for k, v in self.measured.items()}
        plain = asdict(replace(self, measured=measured))
        return {**plain, "status": str(self.status), "evidence": list(self.evidence)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Verdict":
        """Return the verdict that `to_dict` wrote; unknown keys are left out."""
        known = {k: plain[k] for k in cls.__dataclass_fields__ if k in plain}
        known["status"] = Status(known["status"])
        known["evidence"] = tuple(known.get("evidence", ()))
        return cls(**known)


def holds(summary: str, **more: Any) -> Verdict:
    """Return a verdict that holds; `more` are fields of Verdict."""
    return Verdict(Status.HOLDS, summary, **more)


def violated(summary: str, **more: Any) -> Verdict:
    """Return a violation; `more` are fields of Verdict."""
    return Verdict(Status.VIOLATED, summary, **more)


def inconclusive(summary: str, **more: Any) -> Verdict:
    """Return "cannot be said"; the summary names what was missing."""
    return Verdict(Status.INCONCLUSIVE, summary, **more)


def worst(statuses: Iterable[Status]) -> Status:
    """Return violated before inconclusive before holds; nothing is inconclusive."""
    found = set(statuses)
    return next((s for s in PRECEDENCE if s in found), Status.INCONCLUSIVE)


def merge(verdicts: Iterable[Verdict], *, nothing: str) -> Verdict:
    """Return one verdict for many jobs: the first of the worst, all measurements.

    Of each measured value the largest is kept. `nothing` is the summary for no
    verdicts at all, which is inconclusive.
    """
    every = list(verdicts)
    if not every:
        return inconclusive(nothing)
    status = worst(v.status for v in every)
    speaks = [v for v in every if v.status is status]
    measured: dict[str, float] = {}
    for verdict in every:
        for name, value in verdict.measured.items():
            measured[name] = max(value, measured.get(name, value))
    due_t = max((v.due_t for v in speaks if v.due_t is not None), default=None)
    chosen = replace(speaks[0], measured=measured, due_t=due_t)
    if len(every) == 1:
        return chosen
    if status is Status.HOLDS:
        return replace(
            chosen, summary=f"{len(every)} times: {chosen.summary}", job=None
        )
    more = f" (and {len(speaks) - 1} more like it)" if len(speaks) > 1 else ""
    return replace(chosen, summary=chosen.summary + more)


def exit_code(statuses: Iterable[Status]) -> ExitCode:
    """Return the exit code for these verdicts; none at all is 0: nothing was asked."""
    found = list(statuses)
    if not found:
        return ExitCode.HOLDS
    return ExitCode[worst(found).name]
