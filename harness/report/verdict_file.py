"""Verdicts as files: one per test, one for the whole run, for pipelines to read.

<run>/verdicts.json           {schema, exit_code, engine, mutant, environment,
                               contracts: {id: {...}}, not_applicable: {id: reason},
                               not_asked: [id], tests: [...], errors: [...]}
<run>/<test>/verdicts.json    {schema, test, again, verdicts: [...]}

Every contract there is stands in one of a run's three: judged by a test, refused by
the target for a reason, or asked for by no test.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.contract import Contract, contracts, find_contract
from harness.errors import HistoryError
from harness.verdict import ExitCode, Verdict, worst

#: Version of both files.
SCHEMA = 1

FILE_NAME = "verdicts.json"


@dataclass(frozen=True)
class Judged:
    """One test and what was said about it; `folder` is relative to the run."""

    test: str
    folder: str
    again: str
    verdicts: Mapping[str, Verdict]
    bounds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    duration_s: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return {
            "test": self.test,
            "folder": self.folder,
            "again": self.again,
            "duration_s": round(self.duration_s, 2),
            "bounds": {id: dict(values) for id, values in self.bounds.items()},
            "verdicts": [
                {"contract": id, "code": find_contract(id).code, **verdict.to_dict()}
                for id, verdict in self.verdicts.items()
            ],
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Judged":
        """Return what `to_dict` wrote, from another process."""
        return cls(
            plain["test"],
            plain["folder"],
            plain["again"],
            {v["contract"]: Verdict.from_dict(v) for v in plain["verdicts"]},
            plain["bounds"],
            plain["duration_s"],
        )


def write_test(path: Path, judged: Judged) -> None:
    """Write one test's verdicts."""
    _write(path, {"schema": SCHEMA, **judged.to_dict()})


def write_run(
    path: Path,
    tests: Iterable[Judged],
    *,
    exit_code: ExitCode,
    errors: Iterable[str] = (),
    not_applicable: Mapping[str, str] | None = None,
    **about: Any,
) -> None:
    """Write the run's verdicts; `about` says how it ran (engine, mutant, ...).

    `not_applicable` is {contract id: reason} of those that nothing was asked of.
    """
    judged, skipped = list(tests), dict(not_applicable or {})
    asked = {found.id for found in _contracts_of(judged)} | skipped.keys()
    content = {
        "schema": SCHEMA,
        "exit_code": int(exit_code),
        **about,
        "contracts": {
            found.id: _of_contract(found, judged) for found in _contracts_of(judged)
        },
        "not_applicable": skipped,
        "not_asked": [c.id for c in contracts() if c.id not in asked],
        "tests": [test.to_dict() for test in judged],
        "errors": list(errors),
    }
    _write(path, content)


def read_test(path: Path) -> dict[str, Verdict]:
    """Return {contract id: verdict} of one test's file; empty where there is none.

    Raises:
        HistoryError: the file is damaged or of an unknown schema.
    """
    content = _read(path)
    try:
        return {v["contract"]: Verdict.from_dict(v) for v in content["verdicts"]}
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(path, error) from error


def stored_again(path: Path) -> str | None:
    """Return the command that a test's file names; None where there is no file.

    Raises:
        HistoryError: as `read_test`.
    """
    again = _read(path).get("again")
    return None if again is None else str(again)


def read_about(path: Path) -> dict[str, Any]:
    """Return what a run's file says beside verdicts; empty where there is none.

    Raises:
        HistoryError: as `read_test`.
    """
    told = _read(path)
    return {k: told[k] for k in ("environment", "errors", "notes") if told.get(k)}


def measurements(
    contract: Contract, tests: Iterable[Judged]
) -> dict[str, dict[str, Any]]:
    """Return the worst value of each measurement, with its bound and unit."""
    worst_seen: dict[str, dict[str, Any]] = {}
    for test in tests:
        verdict = test.verdicts.get(contract.id)
        for name, value in (verdict.measured if verdict else {}).items():
            bound = contract.bounds.get(name)
            limit = test.bounds.get(contract.id, {}).get(name)
            before = worst_seen.get(name, {}).get("worst")
            if before is not None and before >= value:
                continue
            worst_seen[name] = {
                "worst": round(float(value), 4),
                "bound": bound.default if bound and limit is None else limit,
                "unit": bound.unit if bound else "s",
            }
    return worst_seen


def _of_contract(contract: Contract, tests: list[Judged]) -> dict[str, Any]:
    mine = [test for test in tests if contract.id in test.verdicts]
    return {
        "code": contract.code,
        "claim": contract.claim,
        "status": str(worst(test.verdicts[contract.id].status for test in mine)),
        "tests": [test.test for test in mine],
        "measured": measurements(contract, mine),
    }


def _contracts_of(tests: list[Judged]) -> list[Contract]:
    return [find_contract(id) for id in sorted({i for t in tests for i in t.verdicts})]


def _read(path: Path) -> dict[str, Any]:
    """Return the content of either file; one that is missing says nothing."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        schema = content["schema"]
    except FileNotFoundError:
        return {"verdicts": []}
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(path, error) from error
    if schema != SCHEMA:
        raise HistoryError(f"{path} has schema {schema!r}, not {SCHEMA}.")
    return dict(content)


def _damaged(path: Path, error: Exception) -> HistoryError:
    return HistoryError(f"{path} is not a file of verdicts: {error!r}.")


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, indent=1, ensure_ascii=False, default=str)
    partial = path.with_suffix(".partial")
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(path)  # a reader sees the old file or the new one, never half
