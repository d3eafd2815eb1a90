"""Block on the kill matrix: `python -m ci.kill_gate .qp/mutants.json [AGREED]`.

A contract that no mutant violates has never been seen to fail. Passes only when the
file is there, every mutant in it was caught and every noop held, and each contract of
the file AGREED (ci/agreed.toml) by which the application is judged caught at least
`--per-contract` of its own (1; a release asks for 2).
Exit codes: 0 pass, 1 blocked, 2 wrong use.
"""

import argparse
import sys
import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ci import kill_matrix
from ci.gate import AGREED


def objections(path: Path, agreed: Path = AGREED, per_contract: int = 1) -> list[str]:
    """Return why this matrix must not pass; empty when it may."""
    try:
        rows = kill_matrix.read(path)["mutants"]
    except FileNotFoundError:
        return [f"{path} is missing: the mutants did not run"]
    except (OSError, ValueError) as error:
        return [str(error)]
    try:
        judged = set(tomllib.loads(agreed.read_text(encoding="utf-8"))["judged"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [f"{agreed} says not what was agreed on: {error!r}"]
    found = [
        f"{row['name']} of {row['contract']} is {row['outcome']}: {row.get('why', '')}"
        for row in rows
        if row["outcome"] not in kill_matrix.PASSED
    ]
    caught = Counter(
        row["contract"] for row in rows if row["outcome"] == kill_matrix.CAUGHT
    )
    found += [
        f"{id} caught {caught[id]} of its mutants, at least {per_contract} must be"
        for id in sorted(judged)
        if caught[id] < per_contract
    ]
    if not judged:
        found.append(f"{agreed} lists no contract to be judged")
    return found


def main(argv: Sequence[str]) -> int:
    """Print the objections and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ci.kill_gate")
    parser.add_argument("matrix", type=Path)
    parser.add_argument("agreed", type=Path, nargs="?", default=AGREED)
    parser.add_argument("--per-contract", type=int, default=1, metavar="N")
    given = parser.parse_args(argv)
    if given.per_contract < 1:
        parser.error(f"--per-contract {given.per_contract}: at least 1 must be caught")
    found = objections(given.matrix, given.agreed, given.per_contract)
    for objection in found:
        print(f"blocked: {objection}")
    if not found:
        content = kill_matrix.read(given.matrix)
        print(
            f"pass: {content['totals']['caught']} mutants caught, at least "
            f"{given.per_contract} by each contract; {len(content['not_run'])} not run"
        )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
