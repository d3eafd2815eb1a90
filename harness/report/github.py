"""Verdicts for GitHub Actions: annotations in the log, a table in the step summary.

The formats are GitHub's workflow commands and its Markdown.
"""

from collections.abc import Iterable, Mapping

from harness.contract import find_contract
from harness.report.told import told
from harness.report.verdict_file import Judged
from harness.verdict import Status, worst

_LEVELS = {Status.VIOLATED: "error", Status.INCONCLUSIVE: "warning"}

#: A sign beside each word: colour alone is not seen by everybody.
_SIGNS = {Status.HOLDS: "✓", Status.VIOLATED: "✗", Status.INCONCLUSIVE: "?"}


def annotations(tests: Iterable[Judged]) -> list[str]:
    """Return one workflow command per contract and summary that does not hold."""
    found: dict[tuple[str, str], str] = {}
    for test in tests:
        for id, verdict in test.verdicts.items():
            if verdict.status in _LEVELS:
                text = _escaped(told(id, verdict, test.again))
                title = _escaped(f"{id} {verdict.status}", in_property=True)
                line = f"::{_LEVELS[verdict.status]} title={title}::{text}"
                found.setdefault((id, verdict.summary), line)
    return list(found.values())


def step_summary(
    tests: Iterable[Judged], not_applicable: Mapping[str, str] | None = None
) -> str:
    """Return a Markdown table of all contracts, and what is wrong below it."""
    judged = list(tests)
    lines = ["| contract | verdict | claim |", "|---|---|---|"]
    for id in sorted({id for test in judged for id in test.verdicts}):
        status = worst(t.verdicts[id].status for t in judged if id in t.verdicts)
        lines.append(_row(id, f"{_SIGNS[status]} {status}", find_contract(id).claim))
    for id, reason in (not_applicable or {}).items():
        lines.append(_row(id, "not applicable", reason))
    wrong: dict[tuple[str, str], str] = {}
    for test in judged:
        for id, verdict in test.verdicts.items():
            if verdict.status is not Status.HOLDS:
                text = told(id, verdict, test.again)
                page = f"#### {id} {verdict.status}\n```\n{text}\n```"
                wrong.setdefault((id, verdict.summary), page)
    return "\n".join(lines) + "\n" + "".join(f"\n{page}\n" for page in wrong.values())


def _row(*cells: str) -> str:
    legal = (" ".join(cell.split()).replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(legal)} |"


def _escaped(text: str, *, in_property: bool = False) -> str:
    """Return the text as a workflow command carries it."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    if in_property:
        text = text.replace(":", "%3A").replace(",", "%2C")
    return text
