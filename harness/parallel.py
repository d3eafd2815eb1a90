"""One run in several pytest processes (`pytest -n 2`), as if there were one.

Each of pytest-xdist's workers has a stack of its own and keeps its histories in a
folder of its own, `<run>/gw0`, inside the one run folder. What a worker's run has
learnt travels with the report of each test; the controller adds it to its own run,
which then writes the verdicts, prints the table and sets the exit code.
"""

import json
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from harness.run import Run

#: The attribute of a report, and the key of a worker's input and output.
KEY = "queueproof"

#: As in `harness.verdict.ExitCode`, which is not imported before there is a scenario.
WRONG_USE = 2

#: The phases of a test; a report of another is xdist's own, about a worker that died.
PHASES = ("setup", "call", "teardown")


def register(
    config: pytest.Config, run: "Callable[[], Run]", known: "Callable[[], Run | None]"
) -> None:
    """Take part where xdist runs; `run` makes the run, `known` returns it if made."""
    if is_worker(config):
        config.pluginmanager.register(Worker(known), "queueproof-worker")
    elif config.getoption("dist", "no") != "no":
        from harness.run import run_name

        controller = Controller(run_name(), run, known)
        config.pluginmanager.register(controller, "queueproof-controller")


def is_worker(config: pytest.Config) -> bool:
    """Whether this process runs tests for a controller."""
    return hasattr(config, "workerinput")


def place(config: pytest.Config) -> tuple[str | None, str]:
    """Return the run's name, None for a new one, and this process's part of it."""
    if is_worker(config):
        given: dict[str, Any] = config.workerinput  # type: ignore[attr-defined]
        return given[KEY], given["workerid"]
    controller = config.pluginmanager.get_plugin("queueproof-controller")
    return (controller.name if controller else None), ""


def wrong_use(config: pytest.Config, message: str) -> NoReturn:
    """End this pytest, and from a worker the whole run, with exit code 2."""
    if is_worker(config):
        config.workeroutput[KEY] = message  # type: ignore[attr-defined]
    pytest.exit(message, returncode=WRONG_USE)


def stopped_at_a_failure(config: pytest.Config) -> bool:
    """Whether xdist ended the run early, which it calls an interruption."""
    session = config.pluginmanager.get_plugin("dsession")
    return bool(getattr(session, "shouldstop", False))


@dataclass(eq=False)  # pytest keeps plugins in sets
class Worker:
    """Lets each report carry what the worker's run has learnt since the last one."""

    known: "Callable[[], Run | None]"
    told: dict[str, int] = field(default_factory=dict)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self,
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add the news to the report."""
        report = yield
        run = self.known()
        if run is not None:
            news = {
                "tests": [test.to_dict() for test in self._new("tests", run.tests)],
                "errors": self._new("errors", run.errors),
                "notes": self._new("notes", run.notes),
                "skips": self._new("skips", run.skips),
                "environment": run.environment,
            }
            setattr(report, KEY, json.dumps(news, default=str))
        return report

    def _new(self, what: str, all_of_them: list[Any]) -> list[Any]:
        new = all_of_them[self.told.get(what, 0) :]
        self.told[what] = len(all_of_them)
        return new


@dataclass(eq=False)
class Controller:
    """Adds up what the workers tell; starts nothing itself."""

    name: str
    run: "Callable[[], Run]"
    known: "Callable[[], Run | None]"

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker the name of the run before it starts."""
        node.workerinput[KEY] = self.name

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """End the whole run where a worker refused to start, for the same reason."""
        refused = getattr(node, "workeroutput", {}).get(KEY)
        if refused:
            pytest.exit(refused, returncode=WRONG_USE)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in what came with a report, or that a worker died."""
        from harness.report.verdict_file import Judged

        news = getattr(report, KEY, None)
        if news is not None:
            told, run = json.loads(news), self.run()
            run.tests += [Judged.from_dict(test) for test in told["tests"]]
            run.errors += [(str(text), bool(wrong)) for text, wrong in told["errors"]]
            run.notes += told["notes"]
            run.skips += [(str(id), str(why)) for id, why in told["skips"]]
            run.environment = run.environment or told["environment"]
        elif report.when not in PHASES:
            known = self.known()
            if known is not None:
                known.errors.append((f"{report.nodeid}: {report.longrepr}", False))
