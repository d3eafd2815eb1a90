"""A table: columns by name, numbers as float64, words as strings; to and from CSV."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from reference_app.tvae.files import replacing

Table = dict[str, np.ndarray[Any, Any]]


def rows_of(table: Table) -> int:
    """Return the number of rows."""
    return len(next(iter(table.values())))


def write(table: Table, path: Path) -> None:
    """Write a CSV file with a header; an existing one is replaced."""
    with (
        replacing(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*(each.tolist() for each in table.values()), strict=True))


def read(path: Path, words: Iterable[str]) -> Table:
    """Return the table in a CSV file; columns not named in `words` hold numbers.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no such table; the message names the file.
    """
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        header, rows = next(reader, []), list(reader)
    wrong = next((n for n, row in enumerate(rows, 2) if len(row) != len(header)), None)
    if not rows or wrong is not None:
        where = "no rows" if wrong is None else f"line {wrong} does not fit the header"
        raise ValueError(f"{path}: {where}. Generate the data again.")
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    words = set(words)
    try:
        return {
            name: np.array(values, dtype=None if name in words else float)
            for name, values in columns.items()
        }
    except ValueError as error:
        raise ValueError(f"{path}: {error}. Generate the data again.") from None
