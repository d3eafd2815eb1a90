"""Compare two runs: `python -m ci.same_verdicts RUN/verdicts.json RUN/verdicts.json`.

Both must have judged the same contracts in the same tests, with the same verdicts: so
an engine, or a release, neither hides a violation nor leaves a contract out.
Exit codes: 0 the same, 1 they differ or cannot be compared.
"""

import json
import sys
from pathlib import Path

#: (test, contract) -> its verdict.
Verdicts = dict[tuple[str, str], str]


def verdicts(path: Path) -> Verdicts:
    """Return what each contract was found to be in each test; ValueError if none."""
    try:
        tests = json.loads(path.read_text(encoding="utf-8"))["tests"]
        found = {
            (str(test["test"]), str(verdict["contract"])): str(verdict["status"])
            for test in tests
            for verdict in test["verdicts"]
        }
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a file of verdicts: {error!r}") from error
    if not found:
        raise ValueError(f"{path} judges no contract")
    return found


def differences(one: Verdicts, other: Verdicts) -> list[str]:
    """Return where two runs differ, one sentence each."""
    return [
        f"{test}: {contract} is {one.get((test, contract), 'not judged')} in the first "
        f"run, {other.get((test, contract), 'not judged')} in the second"
        for test, contract in sorted(one.keys() | other.keys())
        if one.get((test, contract)) != other.get((test, contract))
    ]


def main(argv: list[str]) -> int:
    """Print the differences and return the exit code."""
    if len(argv) != 2:
        print("usage: python -m ci.same_verdicts RUN/verdicts.json RUN/verdicts.json")
        return 1
    try:
        one, other = (verdicts(Path(path)) for path in argv)
    except ValueError as error:
        print(f"ci.same_verdicts: {error}")
        return 1
    found = differences(one, other)
    for text in found:
        print(f"ci.same_verdicts: {text}")
    if not found:
        print(f"ci.same_verdicts: {len(one)} verdicts, the same in both runs")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
