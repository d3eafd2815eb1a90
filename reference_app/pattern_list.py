"""The list of patterns, read from their own headers."""

import ast
import re
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

FOLDER = Path(__file__).parent / "patterns"


class Pattern(NamedTuple):
    """One pattern: its file, its first line, its guarantee, and what proves it.

    A proof is the id of a contract, or the code of one that is not written yet.
    """

    file: str
    promise: str
    guarantee: str
    contracts: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of the module."""
        return self.file.removesuffix(".py")


def read() -> list[Pattern]:
    """Return all patterns, by file name; they are read, not imported."""
    found = []
    for path in sorted(FOLDER.glob("[a-z]*.py")):
        header = ast.get_docstring(ast.parse(path.read_text())) or ""
        fields = dict(
            re.findall(r"^([A-Z][a-z ]+?)  +(.*(?:\n {3,}.*)*)", header, re.M)
        )
        words = {name: " ".join(text.split()) for name, text in fields.items()}
        proof = re.sub(r"\(.*?\)", "", words["Proof"]).removeprefix("contract ")
        contracts = tuple(name.strip() for name in proof.split(","))
        promise = header.splitlines()[0]
        found.append(Pattern(path.name, promise, words["Guarantee"], contracts))
    return found


def print_all() -> None:
    """Print each pattern with its guarantee, its contract and its file."""
    table = Table(show_header=False, title="Each file works alone: copy it.")
    table.add_column(no_wrap=True)
    for pattern in read():
        table.add_row(pattern.name, f"[b]{pattern.promise}[/b]")
        table.add_row("guarantee", pattern.guarantee)
        table.add_row("contract", ", ".join(pattern.contracts))
        table.add_row("file", f"reference_app/patterns/{pattern.file}")
        table.add_section()
    Console().print(table)
