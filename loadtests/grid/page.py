"""The measured grid as one HTML file that needs nothing else and explains itself."""

import base64
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from loadtests.grid import words
from loadtests.grid.findings import EFFICIENT, Answer, answers, notes, wasteful
from loadtests.grid.look import Picture
from loadtests.grid.pictures import Panel
from loadtests.grid.slot_time import parts
from loadtests.grid.summary import Summary

#: Answers that stand beside each other; more are rows of a table.
CARDS = 4

_HERE = Path(__file__).parent


def render(
    cells: Sequence[Summary], panels: Sequence[Panel], facts: Mapping[str, Any]
) -> str:
    """Return the page.

    Args:
        cells: as `summarize` returns them.
        panels: their pictures, as `draw` returns them.
        facts: about machine, versions and run, told at the foot in this order; `cores`,
            a number of processors, also serves to say who kept the machine busy.
    """
    cores = facts.get("cores")
    series = list(dict.fromkeys(cell.series for cell in cells))
    found = answers(cells, cores)
    return (
        _environment()
        .get_template("page.html")
        .render(
            headline=_headline(found),
            answers=found,
            notes=notes(cells, cores),
            shared=words.shared(series),
            groups=[(s, list(g)) for s, g in groupby(cells, key=lambda c: c.series)],
            failed=[cell for cell in cells if cell.failures],
            panels=panels,
            facts={name: str(value) for name, value in facts.items()},
            several=len(series) > 1,
            repeats=max((len(cell.repeats) for cell in cells), default=0),
            efficient=EFFICIENT,
            cards=CARDS,
            label=lambda one: words.label(one, series),
            shares=_shares,
            placed=_placed,
            wasteful=wasteful,
            source=_source,
            words=words,
        )
    )


def _headline(found: Sequence[Answer]) -> str:
    if not found:
        return "Nothing was measured."
    best = max(found, key=lambda answer: answer.best.throughput.median)
    cell = best.shown
    place = words.cell(cell.replicas, cell.concurrency)
    if best.enough:
        told = f"{words.number(best.series.arrivals)} jobs/s need {place}"
    else:
        told = f"{words.number(cell.throughput.median)} jobs/s at best, with {place}"
    among = [answer.series for answer in found]
    return f"{words.label(best.series, among)}: {told}" if len(found) > 1 else told


def _shares(cell: Summary) -> list[tuple[str, float]]:
    """Return what a slot's time goes to, each part as percent of it."""
    seconds = parts(cell)
    total = sum(seconds.values())
    return [(name, 100 * value / total) for name, value in seconds.items() if total]


def _placed(pictures: Sequence[Picture]) -> list[tuple[Picture, str]]:
    """Return pictures in two columns: "", "wide" over both, or "alone" in a row."""
    placed: list[tuple[Picture, str]] = []
    for wide, row in groupby(pictures, key=lambda picture: picture.wide):
        pairs = list(row)
        placed += [(picture, "wide" if wide else "") for picture in pairs]
        if not wide and len(pairs) % 2:
            placed[-1] = pairs[-1], "alone"
    return placed


def _source(png: bytes) -> str:
    """Return a picture as an address that holds it."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
