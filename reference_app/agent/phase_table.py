"""A run's seven phases as a table that follows the events of its job.

Promise: it is right after every event, however many were missed before it. Phases run
one after the other, so what stands before the one that is told of is over. The ending's
result fills in what became of each unit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from reference_app.agent.phases import CONTENT, PHASES, STEPS

#: Characters of a whole bar.
BAR = 14

#: How each state looks.
STYLES = {
    "waiting": "dim",
    "running": "bold cyan",
    "done": "green",
    "skipped": "dim",
    "failed": "bold red",
    "cancelled": "yellow",
}

_ORDER = [phase.name for phase in PHASES]
_COUNTED = ("done", "unchanged", "failed")


@dataclass
class Row:
    """A phase: its state, how much of it is done, from 0 to 1, and what is told."""

    state: str = "waiting"
    share: float = 0.0
    said: str = ""


@dataclass
class PhaseTable:
    """The phases of one job; rich draws it as it stands."""

    rows: dict[str, Row] = field(
        default_factory=lambda: {name: Row() for name in _ORDER}
    )
    percent: int = 0
    message: str = "Waiting for a worker"

    def see(self, percent: float, message: str, data: Mapping[str, Any]) -> None:
        """Follow a progress event; `data` is what it tells beside the message."""
        self.percent, self.message = max(0, int(percent)), message
        if data.get("phase") in self.rows:
            self._move(_ORDER.index(data["phase"]), data)

    def end(self, state: str, result: Mapping[str, Any] | None = None) -> None:
        """Follow the ending: completed with a result, or failed, or cancelled."""
        self.message = ""
        if state == "completed":
            self.percent = 100
            self._fill(result or {})
            return
        for row in self.rows.values():
            if row.state == "running":
                row.state = state

    def __rich__(self) -> Group:
        """Draw it."""
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
        for column in (20, 9, BAR):
            table.add_column(width=column, no_wrap=True)
        table.add_column(no_wrap=True)
        for name, row in self.rows.items():
            style = STYLES[row.state]
            table.add_row(
                Text(_spoken(name), style),
                Text(row.state, style),
                _bar(row),
                row.said,
            )
        if not self.message:
            return Group(table)
        line = Text(f"{self.percent:>3} %  {self.message}")
        return Group(table, line)

    def _move(self, at: int, data: Mapping[str, Any]) -> None:
        rows = list(self.rows.values())
        for row in rows[:at]:
            if row.state != "skipped":
                row.state, row.share = "done", 1.0
        for row in rows[at + 1 :]:
            # They were further in an attempt that was lost.
            row.state, row.share, row.said = "waiting", 0.0, ""
        row, name = rows[at], _ORDER[at]
        step, status = data.get("step") or name, data.get("status")
        over = status == "skipped" or (status == "completed" and step == name)
        if not over:
            row.state = "running"
            row.share = _share(step, data) if status else row.share
            row.said = _units(step, name, data)
            return
        row.state, row.share = ("skipped", 0.0) if status == "skipped" else ("done", 1)
        row.said = counted(data)
        if at + 1 < len(rows):
            # It begins now; an event that says so may be one too many to be shown.
            rows[at + 1].state = "running"

    def _fill(self, result: Mapping[str, Any]) -> None:
        for name in result.get("skipped", ()):
            self.rows[name] = Row("skipped")
        for name, counts in result.get("phases", {}).items():
            self.rows[name] = Row("done", 1.0, counted(counts))


def counted(counts: Mapping[str, Any]) -> str:
    """Return what became of a phase's units, without the zeros."""
    return ", ".join(f"{counts[name]} {name}" for name in _COUNTED if counts.get(name))


def _share(step: str, data: Mapping[str, Any]) -> float:
    whole = data.get("status") == "completed"
    inside = 1.0 if whole else (data.get("current") or 0) / (data.get("total") or 1)
    names = [each.name for each in STEPS]
    if step not in names:
        return float(inside)
    weights = [each.weight for each in STEPS]
    at = names.index(step)
    return float((sum(weights[:at]) + weights[at] * inside) / sum(weights))


def _units(step: str, phase: str, data: Mapping[str, Any]) -> str:
    current, total = data.get("current"), data.get("total")
    units = f"{current} of {total}" if current else ""
    inside = _spoken(step) if phase == CONTENT and step != phase else ""
    return f"{inside} {units}".strip()


def _bar(row: Row) -> Text:
    done = round(BAR * row.share)
    return Text.assemble(("━" * done, "cyan"), ("─" * (BAR - done), "dim"))


def _spoken(name: str) -> str:
    return name.replace("_", " ")
