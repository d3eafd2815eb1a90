"""Block on stored verdicts: `python -m ci.gate .qp/latest/verdicts.json`.

Passes only when the file is there, was written by a run that judged something, and
every contract holds. Violated, inconclusive, an error of the harness, a missing or a
damaged file block.
Exit codes: 0 pass, 1 blocked.
"""

import json
import sys
from pathlib import Path

#: The version of the file this gate can read.
SCHEMA = 1


def objections(path: Path) -> list[str]:
    """Return why this run must not pass; empty when it may."""
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
        schema, contracts = run["schema"], run["contracts"]
    except FileNotFoundError:
        return [f"{path} is missing: the scenarios did not run"]
    except (ValueError, KeyError, TypeError) as error:
        return [f"{path} is not a file of verdicts: {error!r}"]
    if schema != SCHEMA:
        return [f"{path} has schema {schema!r}, this gate reads {SCHEMA}"]
    found = [
        f"{id} is {contract['status']} in {', '.join(contract['tests'])}"
        for id, contract in contracts.items()
        if contract["status"] != "holds"
    ]
    if not contracts:
        found.append(f"{path} judges no contract")
    found += [f"the harness failed: {error}" for error in run.get("errors", ())]
    if run.get("mutant") is not None:
        found.append(f"{path} is a run of the mutant {run['mutant']!r}")
    return found


def main(argv: list[str]) -> int:
    """Print the objections and return the exit code."""
    if len(argv) != 1:
        print("usage: python -m ci.gate RUN/verdicts.json")
        return 1
    found = objections(Path(argv[0]))
    for objection in found:
        print(f"blocked: {objection}")
    if not found:
        print(f"pass: every contract of {argv[0]} holds")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
