"""What the runs of a soak say together: per contract how often it held, and the spread.

A measured value that comes near its bound in one run of ten is a warning that no single
run gives.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

#: The version of soak.json.
SCHEMA = 1

#: The file that a run has once it has ended.
ENDED = "soak.json"

#: The exit codes of a run that say what its verdicts say; others mean that it failed.
OF_VERDICTS = (0, 1, 3)


@dataclass
class Contract:
    """One contract over all runs: statuses, and {name: values, bound, unit}."""

    statuses: Counter[str] = field(default_factory=Counter)
    bad_in: list[str] = field(default_factory=list)
    measured: dict[str, list[float]] = field(default_factory=dict)
    bounds: dict[str, str] = field(default_factory=dict)


def ended(home: Path) -> list[dict[str, Any]]:
    """Return the runs that have ended, in order, each with its verdicts.

    One that left no verdicts, or damaged ones, has none: it failed.
    """
    found = []
    for path in sorted(home.glob(f"*/{ENDED}")):
        try:
            verdicts = json.loads((path.parent / "verdicts.json").read_text())
        except (OSError, ValueError):
            verdicts = {}
        told = json.loads(path.read_text(encoding="utf-8"))
        found.append({**told, "name": path.parent.name, "verdicts": verdicts})
    return found


def failed(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return why runs say less than they should: one that broke off, an error."""
    found = []
    for run in runs:
        verdicts = run["verdicts"]
        if run["exit_code"] not in OF_VERDICTS or not verdicts.get("contracts"):
            what = "took too long" if run["exit_code"] == -1 else "failed"
            found.append(f"{run['name']} {what}: exit {run['exit_code']}, output.txt")
        found += [f"{run['name']}: {error}" for error in verdicts.get("errors", ())]
    return found


def by_contract(runs: Sequence[Mapping[str, Any]]) -> dict[str, Contract]:
    """Return what all runs say of each contract that one of them judged."""
    found: dict[str, Contract] = {}
    for run in runs:
        for id, one in run["verdicts"].get("contracts", {}).items():
            contract = found.setdefault(id, Contract())
            contract.statuses[one["status"]] += 1
            if one["status"] != "holds":
                contract.bad_in.append(run["name"])
            for name, value in one.get("measured", {}).items():
                contract.measured.setdefault(name, []).append(value["worst"])
                limit = value["bound"]  # None: measured, and bounded by nothing
                of = "" if limit is None else f"of {limit:g} "
                contract.bounds[name] = f"{of}{value['unit']}"
    return dict(sorted(found.items()))


def exit_code(runs: Sequence[Mapping[str, Any]]) -> int:
    """Return 0 if all hold in every run, 1 violated, 4 failed, 3 for all else."""
    contracts = by_contract(runs).values()
    if any(one.statuses["violated"] for one in contracts):
        return 1
    if failed(runs):
        return 4
    held = [one.statuses["holds"] == len(runs) for one in contracts]
    return 0 if held and all(held) else 3


def show(runs: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Print a line per contract, then what failed; nothing where no run has ended."""
    if not runs:
        return
    table = Table(show_lines=False, pad_edge=False, header_style="bold")
    for name in ("contract", "held", "violated", "inconclusive"):
        table.add_column(name, no_wrap=True)
    table.add_column("measured: least / median / most", ratio=1)
    for id, one in by_contract(runs).items():
        counts = (one.statuses["violated"], one.statuses["inconclusive"])
        where = f" in {', '.join(one.bad_in)}" if one.bad_in else ""
        table.add_row(
            id,
            f"{one.statuses['holds']} of {len(runs)}",
            *(str(count) if count else "" for count in counts),
            "\n".join([*_spreads(one), where.strip()] if where else _spreads(one)),
            style="bold red" if counts[0] else "yellow" if counts[1] else None,
        )
    console.print(table)
    for why in failed(runs):
        console.print(f"failed: {why}", highlight=False, markup=False)
    seconds = [run["seconds"] for run in runs]
    sources = ", ".join(sorted({run["source"] for run in runs}))
    console.print(
        f"{len(runs)} runs of {min(seconds):.0f} to {max(seconds):.0f} s, engine "
        f"{runs[0]['engine']}, source {sources}",
        highlight=False,
    )


def _spreads(one: Contract) -> list[str]:
    return [
        f"{name} {min(values):.2f} / {median(values):.2f} / {max(values):.2f} "
        f"{one.bounds[name]}"
        for name, values in one.measured.items()
    ]
