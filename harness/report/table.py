"""The table at the end of a run: every contract, its verdict, how close it was."""

import io
from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.contract import Contract, find_contract
from harness.report.verdict_file import Judged, measurements
from harness.verdict import Status, worst

_COLOURS = {
    Status.HOLDS: "green",
    Status.VIOLATED: "bold red",
    Status.INCONCLUSIVE: "yellow",
}


def verdict_table(
    tests: Iterable[Judged],
    *,
    about: Mapping[str, object] | None = None,
    not_applicable: Mapping[str, str] | None = None,
    width: int = 100,
    colour: bool = False,
) -> str:
    """Return the table as text; `about` is printed below, one entry per part.

    `not_applicable` is {contract id: reason} of those that nothing was asked of.
    """
    judged = list(tests)
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("contract", no_wrap=True)
    table.add_column("code", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("scenarios", justify="right")
    table.add_column("worst measured")
    for id in sorted({id for test in judged for id in test.verdicts}):
        contract = find_contract(id)
        statuses = [t.verdicts[id].status for t in judged if id in t.verdicts]
        status = worst(statuses)
        bad = sum(s is not Status.HOLDS for s in statuses)
        count = f"{len(statuses) - bad}/{len(statuses)}" if bad else str(len(statuses))
        table.add_row(
            id,
            contract.code,
            f"[{_COLOURS[status]}]{status}[/]",
            count,
            worst_measured(contract, judged),
        )
    skipped = sorted((not_applicable or {}).items())
    for id, _ in skipped:
        table.add_row(id, find_contract(id).code, "[dim]not applicable[/]", "")
    buffer = io.StringIO()
    console = Console(
        file=buffer, width=width, force_terminal=colour, no_color=not colour
    )
    console.print(table)
    for id, reason in skipped:
        about_it = reason.removeprefix(f"{id} ")
        console.print(f"[dim]{id}:[/] {escape(about_it)}", soft_wrap=True)
    told = [f"{name} {value}" for name, value in (about or {}).items() if value]
    if told:
        console.print(
            " · ".join(told),
            style="dim",
            markup=False,
            highlight=False,
            soft_wrap=True,  # a path that is broken in two cannot be copied
        )
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines())


def worst_measured(contract: Contract, judged: list[Judged]) -> str:
    """Return the measurement that came closest to its bound."""
    seen = measurements(contract, judged)
    if not seen:
        return ""
    name = max(seen, key=lambda n: seen[n]["worst"] / (seen[n]["bound"] or 1e9))
    worst, bound, unit = seen[name]["worst"], seen[name]["bound"], seen[name]["unit"]
    of = f" of {bound:g}" if bound else ""
    return f"{name.removesuffix('_s')} {worst:.2f}{of} {unit}"
