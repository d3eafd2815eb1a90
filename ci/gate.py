"""Block on stored verdicts: `python -m ci.gate .qp/latest/verdicts.json [AGREED]`.

Passes only when the file is there, was written by a run that judged something, every
contract holds, and the contracts are those of the file AGREED (ci/agreed.toml): judged,
or agreed not to be applicable, with the reason. Violated, inconclusive, a contract that
changes sides or that nobody asked for, an error of the harness, a missing or a damaged
file block.
Exit codes: 0 pass, 1 blocked.
"""

import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: The version of the file this gate can read.
SCHEMA = 1

#: The contracts by which the reference application is judged, and the others.
AGREED = Path(__file__).with_name("agreed.toml")


def objections(path: Path, agreed: Path = AGREED) -> list[str]:
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
    return [*found, *_not_as_agreed(run, agreed)]


def _not_as_agreed(run: dict[str, Any], agreed: Path) -> Iterator[str]:
    """Yield where the contracts of the run are not those that were agreed on."""
    try:
        told = tomllib.loads(agreed.read_text(encoding="utf-8"))
        judged, skipped = set(told["judged"]), dict(told["not_applicable"])
        reasons = {id: str(why).strip() for id, why in skipped.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield f"{agreed} says not what was agreed on: {error!r}"
        return
    refused = dict(run.get("not_applicable") or {})
    for id in sorted(judged - run["contracts"].keys()):
        why = f"not applicable: {refused[id]}" if id in refused else "not asked for"
        yield f"{id} is to be judged and was {why}"
    for id, reason in sorted(reasons.items()):
        if id in judged or not reason:
            yield f"{agreed}: {id} needs a reason, and to be in one place"
        if id in run["contracts"]:
            yield f"{id} is agreed not to be applicable and was judged: {agreed}"
        elif id not in refused:
            yield f"{id} is agreed not to be applicable and was not even asked for"
    known = judged | reasons.keys()
    for id in sorted({*run["contracts"], *refused, *run.get("not_asked", ())} - known):
        yield f"{id} is neither judged nor agreed not to be applicable: {agreed}"


def main(argv: list[str]) -> int:
    """Print the objections and return the exit code."""
    if len(argv) not in (1, 2):
        print("usage: python -m ci.gate RUN/verdicts.json [AGREED.toml]")
        return 1
    found = objections(*map(Path, argv))
    for objection in found:
        print(f"blocked: {objection}")
    if not found:
        print(f"pass: every contract of {argv[0]} holds or is agreed not to apply")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
