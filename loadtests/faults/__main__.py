"""`python -m loadtests.faults`: every fault on an engine, three rounds; a table, JSON.

Exit code 0: all that can be done here bites and heals in each round, 1: one does not.
"""

import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from loadtests.faults.bench import Rounds
from loadtests.faults.cells import CELLS


@click.command()
@click.option(
    "--engine", type=click.Choice(["process", "container"]), default="process"
)
@click.option("--rounds", default=3, show_default=True, help="Rounds of each fault.")
@click.option("--only", multiple=True, metavar="FAULT", help="Leave out the others.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, no table.")
def main(engine: str, rounds: int, only: tuple[str, ...], as_json: bool) -> None:
    """Hurt a small application in every way there is, and see that it recovers.

    A fault bites when its own proof says so and another look agrees; it heals when a
    job sent afterwards is done. The results lie in .qp/faults-ENGINE.json too.
    """
    unknown = set(only) - set(CELLS)
    if unknown:
        raise click.BadParameter(
            f"no fault {', '.join(sorted(unknown))}. Known: {', '.join(CELLS)}."
        )
    with tempfile.TemporaryDirectory(prefix="queueproof-faults-") as folder:
        bench = Rounds(engine, Path(folder))
        try:
            rows = []
            for name in only or CELLS:
                rows.append(row(name, [bench.run(CELLS[name]) for _ in range(rounds)]))
                print(f"{name}: {rows[-1]['verdict']}", file=sys.stderr, flush=True)
        finally:
            bench.close()
    record = summary(engine, rows)
    text = json.dumps(record, indent=2)
    kept = Path(".qp") / f"faults-{engine}.json"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(text + "\n", encoding="utf-8")
    if as_json:
        print(text)
    else:
        Console(width=None).print(table(record))
    sys.exit(0 if record["passed"] else 1)


def row(name: str, rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the rounds of one fault come to."""
    good = sum(told["bites"] and told["heals"] for told in rounds)
    impossible = next((t["impossible"] for t in rounds if "impossible" in t), "")
    passed = good == len(rounds) > 0
    verdict = "impossible" if impossible else f"{good} of {len(rounds)}"
    return {
        "fault": name,
        "verdict": verdict,
        "passed": passed,
        "impossible": impossible,
        "bites": sum(told["bites"] for told in rounds),
        "heals": sum(told["heals"] for told in rounds),
        "seconds": statistics.median(told["seconds"] for told in rounds),
        "felt": next((told["felt"] for told in rounds if told.get("felt")), ""),
        "rounds": rounds,
    }


def summary(engine: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the record of a run; it passed where all that is possible did."""
    possible = [row for row in rows if not row["impossible"]]
    return {
        "name": "faults",
        "engine": engine,
        "faults": len(possible),
        "impossible": len(rows) - len(possible),
        "passed": bool(possible) and all(row["passed"] for row in possible),
        "rows": rows,
    }


def table(record: dict[str, Any]) -> Table:
    """Return the matrix of one engine."""
    shown = Table(
        title=f"{record['faults']} faults on the {record['engine']} engine",
        caption="bites: its own proof and another look agree; heals: a job is done "
        "afterwards; seconds: median of a round",
    )
    for column in ("fault", "bites", "heals", "seconds", "rounds"):
        shown.add_column(column, no_wrap=True)
    shown.add_column("another look, or why not")
    for each in record["rows"]:
        why = "; ".join({told["why"] for told in each["rounds"] if told["why"]})
        cells = (
            ["-", "-", "-", "impossible"]
            if each["impossible"]
            else [
                str(each["bites"]),
                str(each["heals"]),
                f"{each['seconds']:.2f}",
                each["verdict"],
            ]
        )
        text = each["impossible"] or why or each["felt"] or "(its own proof alone)"
        shown.add_row(each["fault"], *cells, text)
    return shown


if __name__ == "__main__":
    main()
