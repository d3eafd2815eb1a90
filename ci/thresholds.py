"""Block where a ratio got worse: `python -m ci.thresholds [RECORDS] [THRESHOLDS]`.

RECORDS is the folder that `make bench` writes (.qp/bench), THRESHOLDS says what each
value must reach (loadtests/thresholds.toml). A record that is missing blocks: what was
not measured is not known. Exit codes: 0 pass, 1 blocked, 2 wrong use.
"""

import argparse
import datetime
import json
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RECORDS = ROOT / ".qp" / "bench"
THRESHOLDS = ROOT / "loadtests" / "thresholds.toml"

#: What each threshold says beside its limit, and of which type.
SAYS = {
    "unit": str,
    "seen": int | float,
    "machine": str,
    "date": datetime.date,
    "source": str,
}
LIMITS = ("at_least", "at_most")


def read(path: Path) -> dict[str, Mapping[str, Any]]:
    """Return the thresholds by `record.field`.

    Raises:
        ValueError: one is not complete, or there is none; names it, and what it lacks.
        OSError: the file cannot be read.
    """
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    if not found:
        raise ValueError(f"{path} says no threshold")
    for key, said in found.items():
        limits = [name for name in LIMITS if name in said]
        lacks = [n for n, kind in SAYS.items() if not isinstance(said.get(n), kind)]
        if len(limits) != 1 or lacks or "." not in key:
            needed = " or ".join(LIMITS)
            raise ValueError(
                f"{path}: [{key!r}] needs one of {needed} and {', '.join(SAYS)}; "
                f"{', '.join(lacks) or 'its limit or its name'} is not right"
            )
        if _objection(said["seen"], said):
            raise ValueError(f"{path}: [{key!r}]: seen = {said['seen']} breaks it")
    return found


def objections(records: Path, thresholds: Path) -> list[str]:
    """Return why these records must not pass; empty when they may."""
    found = []
    try:
        limits = read(thresholds)
    except (OSError, ValueError) as error:
        return [str(error)]
    for key, said in limits.items():
        name, _, field = key.partition(".")
        path = records / f"{name}.json"
        try:
            value = json.loads(path.read_text(encoding="utf-8"))[field]
        except FileNotFoundError:
            found.append(f"{path} is missing: run `{said['source']}`")
        except (OSError, ValueError, KeyError) as error:
            found.append(f"{path} does not say {field}: {error!r}")
        else:
            objection = _objection(value, said)
            if objection:
                found.append(f"{key} is {value:.4g} {said['unit']}, {objection}")
    return found


def _objection(value: float, said: Mapping[str, Any]) -> str:
    if "at_least" in said:
        limit, kept = said["at_least"], value >= said["at_least"]
        return "" if kept else f"at least {limit} was agreed"
    limit, kept = said["at_most"], value <= said["at_most"]
    return "" if kept else f"at most {limit} was agreed"


def main(argv: Sequence[str]) -> int:
    """Print the objections and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ci.thresholds")
    parser.add_argument("records", type=Path, nargs="?", default=RECORDS)
    parser.add_argument("thresholds", type=Path, nargs="?", default=THRESHOLDS)
    given = parser.parse_args(argv)
    found = objections(given.records, given.thresholds)
    for objection in found:
        print(f"blocked: {objection}")
    if not found:
        print(f"pass: {len(read(given.thresholds))} ratios are as good as agreed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
