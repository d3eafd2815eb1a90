"""Measured values and what they must be: the table of a quality check."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Gate:
    """One measured value, what it must be, and whether it is."""

    name: str
    value: str
    required: str
    passed: bool


def report(title: str, gates: Sequence[Gate]) -> int:
    """Print the gates; return the exit code: 0 all pass, 1 one fails."""
    table = Table("gate", "measured", "required", "", title=title)
    for gate in gates:
        verdict = "[green]pass[/]" if gate.passed else "[bold red]FAIL[/]"
        table.add_row(gate.name, gate.value, gate.required, verdict)
    Console().print(table)
    return 0 if all(gate.passed for gate in gates) else 1
