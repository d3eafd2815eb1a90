"""The list of patterns, read from their own headers."""

import ast
import difflib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

FOLDER = Path(__file__).parent / "patterns"

#: The libraries a pattern may use one of, by the name they are imported by, and what to
#: install for them.
CLIENTS = {
    "celery": "celery>=5.7",
    "redis": "redis>=6.4",
    "sqlalchemy": "SQLAlchemy>=2.0",
}


class UnknownPattern(LookupError):
    """There is no such pattern."""


class Pattern(NamedTuple):
    """One pattern: its file, its first line, its guarantee, and what proves it.

    A proof is the id of a contract, or the code of one that is not written yet.
    """

    file: str
    promise: str
    guarantee: str
    contracts: tuple[str, ...]
    client: str | None  #: the library it imports beside the standard one

    @property
    def name(self) -> str:
        """The name of the module."""
        return self.file.removesuffix(".py")

    @property
    def path(self) -> Path:
        """Where the file is."""
        return FOLDER / self.file


def read() -> list[Pattern]:
    """Return all patterns, by file name; they are read, not imported."""
    return [_read(path) for path in sorted(FOLDER.glob("[a-z]*.py"))]


def find(name: str) -> Pattern:
    """Return the pattern of that name.

    Raises:
        UnknownPattern: there is none; says which are near.
    """
    known = {pattern.name: pattern for pattern in read()}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.6) or known
        raise UnknownPattern(f"no pattern {name!r}; there is: {', '.join(near)}")
    return known[name]


def print_all() -> None:
    """Print each pattern with its guarantee, its contracts and its file."""
    table = Table(show_header=False, title="Each file works alone: copy it.")
    table.add_column(no_wrap=True)
    for pattern in read():
        table.add_row(pattern.name, f"[b]{pattern.promise}[/b]")
        table.add_row("guarantee", pattern.guarantee)
        table.add_row("contract", ", ".join(pattern.contracts))
        table.add_row("file", f"reference_app/patterns/{pattern.file}")
        table.add_section()
    Console().print(table)


def show(pattern: Pattern) -> None:
    """Print the file: for people with colours, into a pipe exactly as it is."""
    text, console = pattern.path.read_text(), Console()
    if not console.is_terminal:
        sys.stdout.write(text)
        return
    end = text.index('"""\n', 3) + 4
    header = Text(text[:end])
    header.highlight_regex(r"(?m)^[A-Z][a-z ]+?(?=  )", "bold cyan")
    header.highlight_regex(r'\A"""(.+)', "bold")
    console.print(header, end="")
    console.print(Syntax(text[end:], "python", background_color="default"))


def imported(path: Path) -> Iterator[str]:
    """Return the first part of each name that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]


def _read(path: Path) -> Pattern:
    header = ast.get_docstring(ast.parse(path.read_text())) or ""
    fields = dict(re.findall(r"^([A-Z][a-z ]+?)  +(.*(?:\n {3,}.*)*)", header, re.M))
    words = {name: " ".join(text.split()) for name, text in fields.items()}
    proof = re.sub(r"\(.*?\)", "", words["Proof"]).removeprefix("contract ")
    return Pattern(
        file=path.name,
        promise=header.splitlines()[0],
        guarantee=words["Guarantee"],
        contracts=tuple(name.strip() for name in proof.split(",")),
        client=next((name for name in imported(path) if name in CLIENTS), None),
    )
