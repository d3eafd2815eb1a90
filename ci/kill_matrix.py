"""The kill matrix: which contract noticed which mutant, stored in .qp/mutants.json.

{schema, engine, seconds, seed, totals: {...}, not_run: [mutant],
 matrix: {contract: {mutant: status}}, mutants: [{name, contract, outcome, ...}]}

A line of `mutants` says what became of one: `outcome` is caught, alive, or of a healthy
one (a noop) holds or broke; `test` is the scenario that caught it, `summary` the first
sentence of the verdict, `why` the reason where it is alive or broke. A cell of `matrix`
is what a contract was found to be while that mutant ran; most have none, since a mutant
runs only the scenarios of its own contract, up to the first violation.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

#: The version of the file.
SCHEMA = 1

CAUGHT, ALIVE, HOLDS, BROKE = "caught", "alive", "holds", "broke"

#: What every mutant, and every healthy one, must come to.
PASSED = (CAUGHT, HOLDS)

#: Without these a line says nothing.
NEEDED = {"name", "contract", "outcome"}

COLOUR = {CAUGHT: "green", HOLDS: "green", ALIVE: "bold red", BROKE: "bold red"}


def row_of(
    mutant: Mapping[str, Any],
    exit_code: int,
    run: Mapping[str, Any] | None,
    seconds: float,
) -> dict[str, Any]:
    """Return the line of one mutant, from its run's exit code and stored verdicts.

    It is caught when the run exits 1 and its own contract is violated. By a crash, a
    time-out of the run, an inconclusive verdict or another contract it is not.
    """
    contract = mutant["contract"]
    found = (run or {}).get("contracts") or {}
    seen = found.get(contract, {}).get("status", "not judged")
    test, summary = _told(run or {}, contract, seen)
    if mutant["healthy"]:
        outcome = HOLDS if exit_code == 0 and seen == "holds" else BROKE
    else:
        outcome = CAUGHT if exit_code == 1 and seen == "violated" else ALIVE
    why = f"exit {exit_code}, {contract} {seen}"
    why += f": {summary}" if summary and seen == "inconclusive" else ""
    return {
        "name": mutant["name"],
        "contract": contract,
        "healthy": mutant["healthy"],
        "mechanism": mutant["mechanism"],
        "outcome": outcome,
        "why": "" if outcome in PASSED else why,
        "seconds": round(seconds, 1),
        "test": test if outcome == CAUGHT else "",
        "summary": summary,
        "verdicts": {id: one["status"] for id, one in found.items()},
    }


def _told(run: Mapping[str, Any], contract: str, status: str) -> tuple[str, str]:
    """Return the first test that found the contract to be so, and its sentence."""
    for test in run.get("tests", ()):
        for verdict in test["verdicts"]:
            if verdict["contract"] == contract and verdict["status"] == status:
                sentence, full_stop, _ = str(verdict["summary"]).partition(". ")
                return str(test["test"]), sentence + full_stop.strip()
    return "", ""


def matrix(
    rows: Iterable[Mapping[str, Any]],
    *,
    seconds: float,
    seed: int | None = None,
    not_run: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the whole file; `seed` chose one mutant per contract, None: no choice."""
    lines = sorted(rows, key=lambda row: str(row["name"]))
    cells: dict[str, dict[str, str]] = {}
    for row in lines:
        for contract, status in row["verdicts"].items():
            cells.setdefault(contract, {})[row["name"]] = status
    outcomes = Counter(row["outcome"] for row in lines)
    broken = {row["contract"] for row in lines if not row["healthy"]}
    killed = {row["contract"] for row in lines if row["outcome"] == CAUGHT}
    return {
        "schema": SCHEMA,
        "engine": "process",
        "seconds": round(seconds, 1),
        "seed": seed,
        "totals": {
            "mutants": outcomes[CAUGHT] + outcomes[ALIVE],
            "caught": outcomes[CAUGHT],
            "alive": outcomes[ALIVE],
            "noops": outcomes[HOLDS] + outcomes[BROKE],
            "noops_held": outcomes[HOLDS],
            "contracts": len(broken),
            "contracts_that_caught_one": len(killed),
        },
        "not_run": sorted(not_run),
        "matrix": dict(sorted(cells.items())),
        "mutants": lines,
    }


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write the file; a reader sees the old one or the new one, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)


def read(path: Path) -> dict[str, Any]:
    """Return the file.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is damaged, or of another schema.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        schema = content["schema"]
        lacking = [row for row in content["mutants"] if not row.keys() >= NEEDED]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is no kill matrix: {error!r}") from error
    if schema != SCHEMA:
        raise ValueError(f"{path} has schema {schema!r}, this reads {SCHEMA}")
    if lacking:
        raise ValueError(f"{path} is no kill matrix: {lacking[0]!r} lacks a field")
    return dict(content)


def show(content: Mapping[str, Any], console: Console) -> None:
    """Print a line per mutant under its contract, and what else noticed it."""
    table = Table(show_lines=False, pad_edge=False, header_style="bold")
    table.add_column("contract", no_wrap=True)
    table.add_column("mutant", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    table.add_column("seconds", justify="right")
    table.add_column("by", ratio=2, overflow="fold")
    table.add_column("also violated", ratio=1, overflow="fold")
    before = ""
    for row in sorted(
        content["mutants"], key=lambda row: (row["contract"], row["name"])
    ):
        contract, outcome = row["contract"], row["outcome"]
        also = [
            id
            for id, status in row["verdicts"].items()
            if status == "violated" and id != contract
        ]
        test = row["test"].rpartition("::")[2] or row["why"]
        table.add_row(
            contract if contract != before else "",
            row["name"],
            f"[{COLOUR[outcome]}]{outcome}[/]",
            f"{row['seconds']:.1f}",
            test.replace("[", r"\["),
            ", ".join(also),
        )
        before = contract
    console.print(table)
    totals = content["totals"]
    console.print(
        f"{totals['caught']} of {totals['mutants']} mutants caught, "
        f"{totals['noops_held']} of {totals['noops']} noops hold; "
        f"{totals['contracts_that_caught_one']} of {totals['contracts']} contracts "
        f"caught one; {content['seconds']:.0f} s",
        highlight=False,
    )
