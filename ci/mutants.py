"""Run every mutant: `python -m ci.mutants [NAME ...]`.

A mutant is caught when the run exits 1 and its own contract is violated in the stored
verdicts; caught by a crash or by an inconclusive verdict counts as alive. A healthy one
(noop) must hold. The matrix goes to .qp/mutants.json.

Two run at once, each with a stack of its own: a run waits more than it computes. The
noops come after them, one by one: bounds are for an application with a machine.
Exit codes: 0 all caught and all noops hold, 1 otherwise.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent

#: Seconds one mutant may take before it counts as not caught.
WITHIN_S = 240

#: Mutants at once.
AT_ONCE = 2


def judge_mutant(
    mutant: dict[str, Any], exit_code: int, run: dict[str, Any] | None
) -> str:
    """Return caught, holds, or why this mutant counts as alive."""
    status = ((run or {}).get("contracts") or {}).get(mutant["contract"], {})
    seen = status.get("status", "not judged")
    if mutant["healthy"]:
        fine = exit_code == 0 and seen == "holds"
        return "holds" if fine else f"noop broke: exit {exit_code}, {seen}"
    if exit_code == 1 and seen == "violated":
        return "caught"
    return f"alive: exit {exit_code}, {mutant['contract']} {seen}"


def run_mutant(mutant: dict[str, Any]) -> dict[str, Any]:
    """Run the scenarios of one mutant's contract; return its row of the matrix."""
    folder = ROOT / ".qp" / "mutants" / mutant["name"]
    verdicts = folder / "verdicts.json"
    verdicts.unlink(missing_ok=True)
    command = [str(BIN / "pytest"), "scenarios/", "--mutant", mutant["name"]]
    started = time.monotonic()
    try:
        done = subprocess.run(
            [*command, "--run-dir", str(folder), "-q"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )
        exit_code, output = done.returncode, done.stdout
    except subprocess.TimeoutExpired as error:
        exit_code, output = -1, str(error.stdout)
    run = json.loads(verdicts.read_text()) if verdicts.is_file() else None
    outcome = judge_mutant(mutant, exit_code, run)
    if outcome not in ("caught", "holds"):
        print(output, flush=True)
    return {
        "name": mutant["name"],
        "contract": mutant["contract"],
        "outcome": outcome,
        "seconds": round(time.monotonic() - started, 1),
    }


def run_all(mutants: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Run them, and yield each row as it comes."""
    broken = [mutant for mutant in mutants if not mutant["healthy"]]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = [pool.submit(run_mutant, mutant) for mutant in broken]
        for run in as_completed(runs):
            yield run.result()
    for mutant in mutants:
        if mutant["healthy"]:
            yield run_mutant(mutant)


def main(names: list[str]) -> int:
    """Run the named mutants, or all; print a line each; return the exit code."""
    listed = subprocess.run(
        [str(BIN / "queueproof"), "mutants", "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    known = json.loads(listed.stdout)["mutants"]
    mutants = [m for m in known if not names or m["name"] in names]
    rows = []
    for number, row in enumerate(run_all(mutants), start=1):
        rows.append(row)
        print(
            f"[{number}/{len(mutants)}] {row['outcome']:<7} {row['name']:<32} "
            f"by {row['contract']} in {row['seconds']} s",
            flush=True,
        )
    path = ROOT / ".qp" / "mutants.json"
    path.parent.mkdir(exist_ok=True)
    rows.sort(key=lambda row: str(row["name"]))
    path.write_text(json.dumps(rows, indent=1) + "\n")
    alive = [row["name"] for row in rows if row["outcome"] not in ("caught", "holds")]
    print(f"{len(rows) - len(alive)} passed, {len(alive)} failed")
    return 1 if alive or not rows else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
