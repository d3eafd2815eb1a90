"""Show every feature: `python -m ci.features [--engine container]`, or `make features`.

The rows are those of scenarios/features.toml; what shows a row is marked with
`@pytest.mark.feature("S0-04")`, a scenario or a test on real processes. Runs the marked
tests, prints row, promise, scenario and verdict, and writes the same to
.qp/features.json. In containers only the rows run that speak of images or PID 1.

Where the same tests have run just before, as in CI, `--seen FOLDER` takes what was
stored of them (`make test SEEN=FOLDER`) and runs only the others; `--verdicts FILE` is
what the harness stored of that run.

A row holds when every test that is marked with it holds. One that nobody shows must
say why not, and one that is shown must not.
Exit codes: 0 all hold, 1 violated, 2 the table and the marks disagree, 3 inconclusive,
4 pytest itself failed.
"""

import argparse
import ast
import json
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ci.feature_outcomes import HOLDS, INCONCLUSIVE, VIOLATED

ROOT = Path(__file__).resolve().parents[1]

#: Where marked tests are. The harness's own show no feature of the application.
ROOMS = ("scenarios", "reference_app")

NOT_COVERED = "not covered"

#: The worst first: what a row is if one of its tests is that.
PRECEDENCE = (VIOLATED, INCONCLUSIVE, HOLDS)

COLOUR = {
    HOLDS: "green",
    VIOLATED: "bold red",
    INCONCLUSIVE: "yellow",
    NOT_COVERED: "dim",
}


@dataclass(frozen=True)
class Rows:
    """The table of rows: {row: promise}, {row: why nobody shows it}, and the rest."""

    promises: Mapping[str, str]
    not_covered: Mapping[str, str]
    on_containers: Sequence[str]
    sources: Mapping[str, str]

    @classmethod
    def read(cls, path: Path) -> "Rows":
        """Read the table; raises KeyError or ValueError where it is none."""
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        return cls(
            told["rows"], told["not_covered"], told["on_containers"], told["sources"]
        )


def marks(root: Path) -> Iterator[tuple[str, str, str]]:
    """Yield row, file and test of every mark, read from the source as text.

    A mark on a module is one on each of its tests.
    """
    files = sorted(path for room in ROOMS for path in (root / room).rglob("test_*.py"))
    for path in files:
        text = path.read_text(encoding="utf-8")
        if "mark.feature" not in text:
            continue
        name = path.relative_to(root).as_posix()
        body = ast.parse(text).body
        module = [row for node in body if _is_pytestmark(node) for row in _rows(node)]
        for node in body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                own = [row for mark in node.decorator_list for row in _rows(mark)]
                yield from ((row, name, node.name) for row in [*module, *own])


def _is_pytestmark(node: ast.AST) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else []
    return any(isinstance(t, ast.Name) and t.id == "pytestmark" for t in targets)


def _rows(node: ast.AST) -> list[str]:
    """Return the words in each `pytest.mark.feature(...)` of an expression."""
    calls = (each for each in ast.walk(node) if isinstance(each, ast.Call))
    return [
        str(word.value)
        for call in calls
        if ast.unparse(call.func) == "pytest.mark.feature"
        for word in ast.walk(call)
        if isinstance(word, ast.Constant)
    ]


def disagreements(rows: Rows, marked: Sequence[tuple[str, str, str]]) -> list[str]:
    """Return where the table and the marks contradict each other."""
    shown = {row for row, _, _ in marked}
    known, excused = rows.promises.keys(), rows.not_covered
    found = [
        f"{file}::{test} is marked with {row}, which is no row of the table"
        for row, file, test in marked
        if row not in known
    ]
    found += [f"{row} is not covered, but is no row" for row in excused.keys() - known]
    found += [
        f"{row} is on containers, but is no row"
        for row in rows.on_containers
        if row not in known
    ]
    found += [f"{row} is shown, and not covered" for row in excused.keys() & shown]
    found += [
        f"{row} is not covered without a reason"
        for row, why in excused.items()
        if not why.strip()
    ]
    found += [
        f"{row} is neither shown by a marked test nor not covered for a reason"
        for row in known - shown - excused.keys()
    ]
    return sorted(found)


def contracts_say(
    outcomes: list[dict[str, Any]], run: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the outcomes, a failed test inconclusive where its contracts are no more.

    `run` is what the harness stored of the same tests.
    """
    judged = {
        test["test"]: {verdict["status"] for verdict in test["verdicts"]}
        for test in run.get("tests", ())
    }

    def told(outcome: dict[str, Any]) -> str:
        statuses = judged.get(outcome["test"], set())
        unclear = INCONCLUSIVE in statuses and VIOLATED not in statuses
        failed = outcome["outcome"] == VIOLATED
        return INCONCLUSIVE if failed and unclear else str(outcome["outcome"])

    return [{**outcome, "outcome": told(outcome)} for outcome in outcomes]


def judge(
    rows: Rows,
    marked: Sequence[tuple[str, str, str]],
    outcomes: Sequence[Mapping[str, Any]],
    only: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Return a line per row, in the table's order: verdict, scenarios, reason.

    A marked test of which there is no outcome has shown nothing. `only`: the rows that
    were asked for, all by default.
    """
    lines = []
    for row, promise in rows.promises.items():
        if only and row not in only:
            continue
        mine = [outcome for outcome in outcomes if row in outcome["rows"]]
        ran = {outcome["test"].partition("[")[0] for outcome in mine}
        places = [f"{file}::{test}" for found, file, test in marked if found == row]
        mine += [
            {"test": place, "outcome": INCONCLUSIVE, "seconds": 0.0, "why": "not run"}
            for place in dict.fromkeys(places)
            if place not in ran
        ]
        lines.append(
            {
                "row": row,
                "promise": promise,
                "source": rows.sources[row.partition("-")[0]],
                "verdict": _worst([outcome["outcome"] for outcome in mine]),
                "reason": rows.not_covered.get(row, ""),
                "scenarios": [
                    {key: outcome[key] for key in ("test", "outcome", "seconds", "why")}
                    for outcome in mine
                ],
            }
        )
    return lines


def _worst(outcomes: Sequence[str]) -> str:
    return min(outcomes, key=PRECEDENCE.index) if outcomes else NOT_COVERED


def exit_code(lines: Sequence[Mapping[str, Any]]) -> int:
    """Return 0 where each row that is shown holds, else 1 or 3."""
    verdicts = {line["verdict"] for line in lines}
    if VIOLATED in verdicts:
        return 1
    return 3 if INCONCLUSIVE in verdicts or HOLDS not in verdicts else 0


def show(lines: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Print the table; tests of one file stand under its name."""
    table = Table(show_lines=False, pad_edge=False, header_style="bold")
    table.add_column("row", no_wrap=True)
    table.add_column("promise", ratio=2)
    table.add_column("shown by", ratio=3, overflow="fold")
    table.add_column("verdict", no_wrap=True)
    for line in lines:
        verdict = line["verdict"]
        shown = line["reason"] or "\n".join(_by_file(line["scenarios"]))
        style = "dim" if verdict == NOT_COVERED else None
        coloured = f"[{COLOUR[verdict]}]{verdict}[/]"
        table.add_row(line["row"], line["promise"], shown, coloured, style=style)
    console.print(table)


def _by_file(scenarios: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield file names without their folders, and the tests that did not hold."""
    files: dict[str, int] = {}
    for scenario in scenarios:
        file = scenario["test"].partition("::")[0]
        files[file] = files.get(file, 0) + 1
    for file, count in files.items():
        yield file if count == 1 else f"{file} ({count} tests)"
    for scenario in scenarios:
        if scenario["outcome"] != HOLDS:
            name = scenario["test"].partition("::")[2].replace("[", r"\[")
            why = str(scenario["why"]).replace("[", r"\[")
            yield f"{scenario['outcome']}: {name}: {why}"


def seen_in(folder: Path, verdicts: Path | None) -> list[dict[str, Any]]:
    """Return the outcomes that runs of the same tests stored in this folder.

    Raises:
        OSError, ValueError: there is none, or it cannot be read: nothing was seen.
    """
    files = sorted(folder.glob("*.json"))
    if not files:
        raise FileNotFoundError(
            f"{folder} holds no outcomes: `make test SEEN={folder}`"
        )
    outcomes = [each for file in files for each in json.loads(file.read_text())]
    return contracts_say(outcomes, json.loads(verdicts.read_text()) if verdicts else {})


def not_in(
    seen: Sequence[Mapping[str, Any]], asked: Sequence[tuple[str, str, str]]
) -> list[str]:
    """Return the tests that nobody has run yet, once each."""
    ran = {outcome["test"].partition("[")[0] for outcome in seen}
    tests = dict.fromkeys(f"{file}::{test}" for _, file, test in asked)
    return [test for test in tests if test not in ran]


def run_tests(
    tests: Sequence[str], folder: Path, engine: str, only: Sequence[str]
) -> list[dict[str, Any]]:
    """Run these marked tests; return their outcomes, none if it failed."""
    written = folder / "outcomes.json"
    written.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-p", "ci.feature_outcomes"]
    command += ["--feature-outcomes", str(written), "--feature-rows", ",".join(only)]
    command += ["--engine", engine, "--run-dir", str(folder / "run"), "-q", *tests]
    subprocess.run(command, cwd=ROOT, check=False)
    if not written.is_file():
        return []
    outcomes = json.loads(written.read_text(encoding="utf-8"))
    verdicts = folder / "run" / "verdicts.json"
    run = json.loads(verdicts.read_text()) if verdicts.is_file() else {}
    return contracts_say(outcomes, run)


def main(argv: Sequence[str]) -> int:
    """Run, print, write; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ci.features")
    parser.add_argument("--engine", choices=("process", "container"), default="process")
    parser.add_argument("--rows", default="", help="only these, say S0-04,S0-05")
    parser.add_argument("--seen", type=Path, metavar="FOLDER")
    parser.add_argument("--verdicts", type=Path, metavar="FILE")
    given = parser.parse_args(argv)
    try:
        seen = seen_in(given.seen, given.verdicts) if given.seen else []
    except (OSError, ValueError) as error:
        parser.error(f"--seen: {error}")
    rows = Rows.read(ROOT / "scenarios" / "features.toml")
    marked = list(marks(ROOT))
    wrong = disagreements(rows, marked)
    for line in wrong:
        print(line)
    if wrong:
        return 2
    only = [row for row in given.rows.split(",") if row]
    only = only or (list(rows.on_containers) if given.engine == "container" else [])
    asked = [(r, f, t) for r, f, t in marked if not only or r in only]
    if given.engine == "container":
        # Only the scenarios can run in containers; the application's tests are Python.
        asked = [(r, f, t) for r, f, t in asked if f.startswith("scenarios/")]
    folder = ROOT / ".qp" / f"features-{given.engine}"
    folder.mkdir(parents=True, exist_ok=True)
    started_s = time.monotonic()
    tests = not_in(seen, asked)
    ran = run_tests(tests, folder, given.engine, only) if tests else []
    outcomes = [*seen, *ran] if ran or not tests else []
    lines = judge(rows, asked, outcomes, only)
    took_s = time.monotonic() - started_s
    show(lines, Console(width=None if sys.stdout.isatty() else 150))
    found = {
        "engine": given.engine,
        "exit_code": exit_code(lines) if outcomes else 4,
        "seconds": round(took_s, 1),
        "rows": lines,
    }
    names = ["features", *(["some"] if given.rows else [])]
    names += ["container"] if given.engine == "container" else []
    path = ROOT / ".qp" / f"{'-'.join(names)}.json"
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    told = [line["verdict"] for line in lines]
    counts = ", ".join(
        f"{told.count(verdict)} {verdict}"
        for verdict in (*PRECEDENCE[::-1], NOT_COVERED)
        if told.count(verdict)
    )
    before = f" and {len(seen)} before" if seen else ""
    print(
        f"{counts}; {len(ran)} tests in {took_s:.0f} s{before}; "
        f"{path.relative_to(ROOT)}"
    )
    if given.engine == "process" and not only:
        print(f"In containers, too: {', '.join(rows.on_containers)}: ENGINE=container")
    return int(found["exit_code"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
