"""Run the mutants, print and store the kill matrix: `python -m ci.mutants [NAME ...]`.

A mutant runs the scenarios of its contract, up to the first violation. What is known of
earlier runs makes it quick: first the scenario that caught it the last time, then the
quickest. What must come of each, and what is stored: `ci.kill_matrix`. All of them, and
one per contract, go to .qp/mutants.json; those of a list of names to
.qp/mutants-some.json.

`--one-per-contract` is what CI runs: of each contract one mutant, in turn as `--seed`
goes up (the same seed, the same mutants), and one noop of each mechanism.

Three run at once, each with a stack of its own; stacks start one after the other, since
a start computes and a scenario waits. With three starts on two cores the harness itself
stands still for a moment too often, and then nothing can be said. The noops come after
them, two at once as scenarios do: bounds are for an application with a machine.
Exit codes: 0 all caught and all noops hold, 1 otherwise, 2 wrong use.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from rich.console import Console

from ci import kill_matrix

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
QP = ROOT / ".qp"

#: Seconds one mutant may take before it counts as not caught; typically 20 to 90.
WITHIN_S = 300

#: Mutants at once, and those in which everything is to hold.
AT_ONCE, HEALTHY_AT_ONCE = 3, 2

#: Where the harness is told that stacks start one after the other (harness/turns.py).
START_TURNS = "QUEUEPROOF_START_TURNS"

#: A mutant as `queueproof mutants --json` tells of it.
Mutant = Mapping[str, Any]


def choose(
    known: Sequence[Mutant], names: Sequence[str] = (), seed: int | None = None
) -> list[Mutant]:
    """Return the mutants to run: the named ones, with a seed one per contract, or all.

    Raises:
        ValueError: a name is not known.
    """
    unknown = set(names) - {mutant["name"] for mutant in known}
    if unknown:
        raise ValueError(
            f"no mutant {', '.join(sorted(unknown))}; `queueproof mutants` lists them"
        )
    if names:
        return [mutant for mutant in known if mutant["name"] in names]
    if seed is None:
        return list(known)
    groups: dict[tuple[bool, str], list[Mutant]] = {}
    for mutant in sorted(known, key=lambda mutant: str(mutant["name"])):
        kind = "mechanism" if mutant["healthy"] else "contract"
        groups.setdefault((mutant["healthy"], mutant[kind]), []).append(mutant)
    return [group[seed % len(group)] for group in groups.values()]


class Earlier:
    """What earlier runs tell: how long things take, and which scenario caught what."""

    def __init__(self, matrix: Path, verdicts: Path) -> None:
        try:
            rows = kill_matrix.read(matrix)["mutants"]
        except (OSError, ValueError):
            rows = []
        try:
            tests = json.loads(verdicts.read_text(encoding="utf-8"))["tests"]
        except (OSError, ValueError, KeyError):
            tests = []
        self._rows = {row["name"]: row for row in rows}
        self._test_s: dict[str, float] = {}
        for test in tests:
            name = _without_parameters(test["test"])
            self._test_s[name] = self._test_s.get(name, 0.0) + test["duration_s"]

    def longest_first(self, mutants: Sequence[Mutant]) -> list[Mutant]:
        """Return them so that none is long alone at the end; the unknown come first."""

        def seconds(mutant: Mutant) -> float:
            row = self._rows.get(mutant["name"])
            return float(row["seconds"]) if row else WITHIN_S

        return sorted(mutants, key=seconds, reverse=True)

    def quickest_first(self, mutant: Mutant, tests: Sequence[str]) -> list[str]:
        """Return the tests: which caught it the last time, then by what they take.

        Where nobody knows, those of the contract's own room are the best guess.
        """
        row = self._rows.get(mutant["name"], {})
        caught_by = _without_parameters(row.get("test", ""))
        room = mutant["contract"].partition(".")[0]

        def key(test: str) -> tuple[bool, float, bool]:
            elsewhere = not test.startswith(f"scenarios/test_{room}")
            return test != caught_by, self._test_s.get(test, WITHIN_S), elsewhere

        return sorted(tests, key=key)


def _without_parameters(test: str) -> str:
    return test.partition("[")[0]


def run_mutant(mutant: Mutant, tests: Sequence[str]) -> dict[str, Any]:
    """Run these scenarios on a mutant; return its row of the matrix."""
    folder = QP / "mutants" / mutant["name"]
    verdicts = folder / "verdicts.json"
    folder.mkdir(parents=True, exist_ok=True)
    verdicts.unlink(missing_ok=True)
    command = [str(BIN / "pytest"), *tests, "--mutant", mutant["name"]]
    started = time.monotonic()
    try:
        done = subprocess.run(
            [*command, "--run-dir", str(folder), "-q"],
            cwd=ROOT,
            env={**os.environ, START_TURNS: str(QP / "mutants" / "start_turns")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )
        exit_code, output = done.returncode, done.stdout
    except subprocess.TimeoutExpired as error:
        exit_code, output = -1, str(error.stdout)
    seconds = time.monotonic() - started
    run = json.loads(verdicts.read_text()) if verdicts.is_file() else None
    row = kill_matrix.row_of(mutant, exit_code, run, seconds)
    if row["outcome"] not in kill_matrix.PASSED:
        print(output, flush=True)
    return row


def run_all(
    mutants: Sequence[Mutant], scenarios: Mapping[str, Sequence[str]], earlier: Earlier
) -> Iterator[dict[str, Any]]:
    """Run them, and yield each row as it comes; `scenarios` are those of a contract."""

    def run(mutant: Mutant) -> dict[str, Any]:
        tests = earlier.quickest_first(mutant, scenarios[mutant["contract"]])
        return run_mutant(mutant, tests)

    for healthy, at_once in ((False, AT_ONCE), (True, HEALTHY_AT_ONCE)):
        some = [mutant for mutant in mutants if mutant["healthy"] is healthy]
        with ThreadPoolExecutor(at_once) as pool:
            runs = [pool.submit(run, mutant) for mutant in earlier.longest_first(some)]
            for done in as_completed(runs):
                yield done.result()


def told(what: str) -> list[dict[str, Any]]:
    """Return what `queueproof contracts` or `mutants` says."""
    command = [str(BIN / "queueproof"), what, "--json"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return list(json.loads(done.stdout)[what])


def main(argv: Sequence[str]) -> int:
    """Run, print, write; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ci.mutants")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these")
    parser.add_argument("--one-per-contract", action="store_true")
    parser.add_argument("--seed", type=int, help="which of a contract's (default: 0)")
    parser.add_argument(
        "--verdicts",
        type=Path,
        default=QP / "latest" / "verdicts.json",
        metavar="FILE",
        help="of a run of all scenarios, for what each takes (default: the last run's)",
    )
    given = parser.parse_args(argv)
    if given.names and given.one_per_contract:
        parser.error("name mutants or ask for one per contract, not both")
    if given.seed is not None and not given.one_per_contract:
        parser.error("--seed chooses with --one-per-contract only")
    seed = (given.seed or 0) if given.one_per_contract else None
    known = told("mutants")
    try:
        mutants = choose(known, given.names, seed)
    except ValueError as error:
        parser.error(str(error))
    if seed is not None:
        print(f"one per contract: {len(mutants)} of {len(known)}, --seed {seed}")
    scenarios = {
        row["id"]: [f"scenarios/{test}" for test in row["scenarios"]] or ["scenarios/"]
        for row in told("contracts")
    }
    path = QP / ("mutants-some.json" if given.names else "mutants.json")
    earlier = Earlier(QP / "mutants.json", given.verdicts)
    rows = []
    started = time.monotonic()
    for number, row in enumerate(run_all(mutants, scenarios, earlier), start=1):
        rows.append(row)
        text = f"{row['outcome']:<7} {row['name']:<32} by {row['contract']}"
        print(f"[{number}/{len(mutants)}] {text} in {row['seconds']} s", flush=True)
    ran = {mutant["name"] for mutant in mutants}
    content = kill_matrix.matrix(
        rows,
        seconds=time.monotonic() - started,
        seed=seed,
        not_run=[mutant["name"] for mutant in known if mutant["name"] not in ran],
    )
    kill_matrix.write(path, content)
    kill_matrix.show(content, Console(width=None if sys.stdout.isatty() else 200))
    print(path.relative_to(ROOT))
    passed = all(row["outcome"] in kill_matrix.PASSED for row in rows)
    return 0 if rows and passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
