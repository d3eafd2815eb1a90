"""`python -m loadtests.bench NAME|all [--json]`: measure; a table or JSON lines.

A measurement is a module here with `run() -> dict`; the first line of its docstring is
its description. Each record is also kept in `.qp/bench/NAME.json`, with the machine's
load. Exit code 0: each target is met, 1: one is not, 4: the one that was asked for
cannot be measured here (with `all` that is said, and the others count).
"""

import ast
import importlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from loadtests.bench.parts import NotRun

FOLDER = Path(__file__).parent
KEPT_IN = FOLDER.parents[1] / ".qp" / "bench"

#: Shown in the table in this order; the rest follows.
FIRST = ("what", "value", "unit", "target", "passed")

ALL = "all"


def measurements() -> dict[str, str]:
    """Return {name: description}, read from the files without importing them."""
    found = {}
    for path in sorted(FOLDER.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        if "run" in names:
            found[path.stem] = (ast.get_docstring(tree) or "").partition("\n")[0]
    return found


class _Names(click.Command):
    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Names"):
            formatter.write_dl([*measurements().items(), (ALL, "Each of them.")])


@click.command(cls=_Names)
@click.argument("name", type=click.Choice([*measurements(), ALL]), metavar="NAME")
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON each.")
def main(name: str, as_json: bool) -> None:
    """Measure on this machine, with parts that are started and stopped for it."""
    passed = ran = True
    for each in measurements() if name == ALL else [name]:
        record = _measured(each)
        ran = "not_run" not in record
        passed = passed and record.get("passed", True)
        if as_json:
            print(json.dumps(record), flush=True)
        else:
            Console().print(_table(record))
    if name != ALL and not ran:
        sys.exit(4)
    sys.exit(0 if passed else 1)


def _measured(name: str) -> dict[str, Any]:
    """Return the record of one measurement, which is then kept."""
    before = os.getloadavg()[0]
    try:
        record = importlib.import_module(f"{__package__}.{name}").run()
    except NotRun as reason:
        return {"name": name, "not_run": str(reason)}
    load = [round(before, 1), round(os.getloadavg()[0], 1)]
    record |= {"cores": os.cpu_count(), "load_before_after": load}
    KEPT_IN.mkdir(parents=True, exist_ok=True)
    (KEPT_IN / f"{name}.json").write_text(json.dumps(record) + "\n", encoding="utf-8")
    return record


def _table(record: Mapping[str, Any]) -> Table:
    table = Table(title=str(record["name"]), show_header=False)
    keys = [key for key in FIRST if key in record]
    keys += [key for key in record if key not in (*FIRST, "name")]
    for key in keys:
        value = record[key]
        if key == "samples":
            value = f"{len(value)} values, {min(value):.4g} to {max(value):.4g}"
        table.add_row(key, f"{value:.4g}" if isinstance(value, float) else str(value))
    return table


if __name__ == "__main__":
    main()
