"""`python -m loadtests.bench NAME|all [--json]`: measure; a table or JSON lines.

A measurement is a module here with `run() -> dict`; the first line of its docstring is
its description. Each record is also kept in `.qp/bench/NAME.json`, with the machine's
load, and those of a commit in `.qp/bench/commits`. `all` prints one table: beside each
value stands what was measured or is known of others (`beside`), and what the commit
before it had. Exit code 0: each target is met, 1: one is not, 4: the one that was asked
for cannot be measured here (with `all` that is said, and the others count).
"""

import ast
import importlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from loadtests.bench import kept
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
    commit, records = kept.commit(), []
    before = kept.last(KEPT_IN, commit)
    for each in measurements() if name == ALL else [name]:
        record = _measured(each, commit)
        records.append(record)
        if as_json:
            print(json.dumps(record), flush=True)
        elif name == ALL:
            print(f"{each}: {_value(record)}", file=sys.stderr, flush=True)
        else:
            Console().print(_table(record))
    if name == ALL and not as_json:
        Console(width=None if sys.stdout.isatty() else 180).print(_all(records, before))
    if name != ALL and "not_run" in records[0]:
        sys.exit(4)
    sys.exit(0 if all(record.get("passed", True) for record in records) else 1)


def _measured(name: str, commit: str) -> dict[str, Any]:
    """Return the record of one measurement, which is then kept."""
    before = os.getloadavg()[0]
    try:
        record = importlib.import_module(f"{__package__}.{name}").run()
    except NotRun as reason:
        return {"name": name, "not_run": str(reason)}
    load = [round(before, 1), round(os.getloadavg()[0], 1)]
    record |= {"cores": os.cpu_count(), "load_before_after": load}
    kept.keep(record, KEPT_IN, commit)
    return dict(record)


def _all(records: Sequence[kept.Record], before: Mapping[str, kept.Record]) -> Table:
    """Return the one table."""
    table = Table(
        *("name", "what", "value", "target", "beside, in the same run", "last"),
        *("change", ""),
    )
    for record in records:
        last = before.get(record["name"], {})
        change = ""
        if last.get("value") and "value" in record:
            change = f"{record['value'] / last['value'] - 1:+.0%}"
        table.add_row(
            *(record["name"], record.get("what", record.get("not_run", ""))),
            *(_value(record), _value(record, "target"), record.get("beside", "")),
            *(_value(last), change),
            {True: "met", False: "MISSED"}.get(record.get("passed"), ""),
        )
    return table


def _value(record: kept.Record, key: str = "value") -> str:
    if key not in record:
        return "not run" if "not_run" in record else ""
    value, unit = record[key], record.get("unit", "")
    return f"{value:.4g} {unit}" if isinstance(value, float) else f"{value} {unit}"


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
