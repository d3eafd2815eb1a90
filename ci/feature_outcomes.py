"""A plugin of pytest that writes what became of each test marked with features.

`-p ci.feature_outcomes --feature-outcomes FILE [--feature-rows S2-10,...]` keeps only
the tests that are marked with `feature` (with one of these rows) and writes a list in
JSON: {test, rows, outcome, seconds, why}; outcome is holds, violated or inconclusive. A
test that was skipped, whose situation never arose or that failed before its body began
has shown nothing: inconclusive. What contracts say of it is in the run's verdicts.

With `--feature-beside` the other tests run as well. Each of pytest-xdist's workers
writes a file of its own, FILE with its name before the suffix, of what it has run.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

HOLDS, VIOLATED, INCONCLUSIVE = "holds", "violated", "inconclusive"

#: Errors of the harness's that mean: what was to be shown did not come about.
NOT_ARISEN = ("NeverHappened", "NotApplicable", "NotOnThisEngine")


@dataclass
class Outcome:
    """What one test has shown."""

    test: str
    rows: list[str]
    outcome: str = INCONCLUSIVE
    seconds: float = 0.0
    why: str = "it did not run"


def rows_of(item: pytest.Item) -> list[str]:
    """Return the rows that a test is marked with, each once."""
    named = (row for mark in item.iter_markers("feature") for row in mark.args)
    return sorted(set(named))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("features")
    group.addoption("--feature-outcomes", metavar="FILE", required=True)
    group.addoption("--feature-rows", metavar="ROWS", default="")
    group.addoption("--feature-beside", action="store_true")


def pytest_configure(config: pytest.Config) -> None:
    """Take part, unless others run the tests."""
    if config.getoption("dist", "no") == "no" or _worker(config):
        config.pluginmanager.register(Outcomes(config), "feature-outcomes")


def _worker(config: pytest.Config) -> str:
    """Return the name of this worker of pytest-xdist's, empty where it is none."""
    return str(getattr(config, "workerinput", {}).get("workerid", ""))


class Outcomes:
    """Collects the outcomes of one session."""

    def __init__(self, config: pytest.Config) -> None:
        path = Path(config.getoption("--feature-outcomes"))
        self._worker = _worker(config)
        part = f".{self._worker}" if self._worker else ""
        self._path = path.with_name(f"{path.stem}{part}{path.suffix}")
        self._beside = config.getoption("--feature-beside")
        self._only = set(filter(None, config.getoption("--feature-rows").split(",")))
        self._found: dict[str, Outcome] = {}
        self._ran: set[str] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Keep the marked tests, or all, and expect an outcome of each marked one."""
        kept, others = [], []
        for item in items:
            rows = rows_of(item)
            mine = bool(self._only & set(rows)) if self._only else bool(rows)
            (kept if mine else others).append(item)
        if not self._beside:
            config.hook.pytest_deselected(items=others)
            items[:] = kept
        self._found = {i.nodeid: Outcome(i.nodeid, rows_of(i)) for i in kept}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Any:
        """Judge a test by the worst of its phases."""
        report = yield
        found = self._found.get(item.nodeid)
        if found is None:
            return report
        self._ran.add(item.nodeid)
        found.seconds = round(found.seconds + report.duration, 2)
        if report.passed:
            if report.when == "call":
                found.outcome, found.why = HOLDS, ""
            return report
        error = call.excinfo
        found.why = _first_line(error.exconly()) if error else "failed"
        shown = (
            report.when == "call"
            and report.failed
            and not (error and error.typename in NOT_ARISEN)
        )
        # What breaks while a test is cleared away takes nothing from a violation.
        if found.outcome != VIOLATED:
            found.outcome = VIOLATED if shown else INCONCLUSIVE
        return report

    def pytest_sessionfinish(self) -> None:
        """Write the file."""
        mine = self._ran if self._worker else self._found.keys()
        found = [asdict(self._found[test]) for test in self._found if test in mine]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return (lines[0] if lines else "")[:200]
