"""The pytest plugin: options, markers, and when a history is judged.

It does nothing until a test carries `@pytest.mark.contract(...)` or asks for one of its
fixtures, and imports nothing of weight before.
"""

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness import parallel
from harness.fixtures import (  # pytest finds them here
    agent,
    driver,
    faults,
    history,
    probes,
    rollout,
    stack,
    stage,
    target,
)
from harness.session import RUN, SCENARIO, contracts_of, ids_of, run_of

if TYPE_CHECKING:
    from harness.report.verdict_file import Judged

__all__ = [
    "agent",
    "driver",
    "faults",
    "history",
    "probes",
    "rollout",
    "stack",
    "stage",
    "target",
]

#: As in `harness.stages`, which is not imported before there is a scenario.
STAGES = ("before", "mixed", "after", "rolled_back")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of `queueproof`."""
    group = parser.getgroup("queueproof")
    group.addoption(
        "--engine",
        choices=("process", "container"),
        default="process",
        help="where the application's processes run (default: process)",
    )
    group.addoption(
        "--target",
        metavar="FILE",
        help="the description of the application (default: queueproof.toml, "
        "[tool.queueproof] in pyproject.toml, or scenarios/target.toml)",
    )
    group.addoption(
        "--mutant",
        metavar="NAME",
        help="break the application in this way, run the scenarios of the contract "
        "that must catch it, stop at the first violation",
    )
    group.addoption(
        "--stage",
        choices=STAGES,
        help="deploy the application as at this stage of the migration, and run the "
        "scenarios marked with it (default: as described, and all of them)",
    )
    group.addoption(
        "--all-scenarios",
        action="store_true",
        help="with --mutant: run every scenario",
    )
    group.addoption(
        "--run-dir",
        metavar="DIR",
        help="where histories and verdicts go (default: .qp/runs/<time>-<pid>)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers."""
    config.addinivalue_line(
        "markers", "contract(*ids): the contracts that judge this scenario's history"
    )
    config.addinivalue_line(
        "markers",
        "stages(*names): the stages of a migration this scenario runs in, by default "
        "after: with --stage the others are left out",
    )
    parallel.register(
        config, lambda: run_of(config), lambda: config.stash.get(RUN, None)
    )


# Collection


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Refuse unknown contracts; with --mutant keep only its contract's scenarios."""
    marked = [item for item in items if ids_of(item)]
    if not marked and not config.getoption("--mutant"):
        return
    from harness.errors import ContractError, MutantError, TargetError

    try:
        for item in marked:
            contracts_of(item)
        mutant = run_of(config).mutant
    except (ContractError, MutantError, TargetError) as error:
        parallel.wrong_use(config, str(error))
    for item in marked:
        if "history" not in getattr(item, "fixturenames", ()):
            parallel.wrong_use(
                config,
                f"{item.nodeid} is marked with a contract but takes neither `history` "
                "nor `driver`: nothing could be judged.",
            )
    stage = config.getoption("--stage")
    if stage is not None:
        _keep(config, items, [i for i in marked if stage in _stages(config, i)])
    if mutant is not None and not config.getoption("--all-scenarios"):
        kept = [item for item in items if mutant.contract in ids_of(item)]
        if not kept:
            parallel.wrong_use(
                config, f"No scenario collected is marked with {mutant.contract}."
            )
        _keep(config, items, kept)


def _keep(
    config: pytest.Config, items: list[pytest.Item], kept: list[pytest.Item]
) -> None:
    config.hook.pytest_deselected(items=[i for i in items if i not in kept])
    items[:] = [i for i in items if i in kept]


def _stages(config: pytest.Config, item: pytest.Item) -> tuple[str, ...]:
    """Return the stages an item runs in; no such stage is wrong use."""
    mark = item.get_closest_marker("stages")
    names = mark.args if mark else ("after",)
    for name in names:
        if name not in STAGES:
            parallel.wrong_use(
                config,
                f"{item.nodeid}: there is no stage {name!r}. Use {', '.join(STAGES)}.",
            )
    return names


# Judging


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what the target cannot be asked, saying why."""
    contracts = contracts_of(item) if ids_of(item) else []
    if not contracts:
        return
    run = run_of(item.config)
    reasons = {c.id: why for c in contracts if (why := run.not_applicable(c))}
    for id, why in reasons.items():
        run.skip([id], why)
    if len(reasons) == len(contracts):
        pytest.skip("not applicable: " + "; ".join(reasons.values()))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Judge the history when the body has ended, however it ended."""
    scenario = item.stash.get(SCENARIO, None)
    if scenario is None or not scenario.contracts:
        return (yield)
    from harness.errors import NeverHappened, NotApplicable

    never: NeverHappened | None = None
    result = None
    try:
        result = yield
    except NotApplicable as error:
        scenario.run.skip([c.id for c in scenario.contracts], str(error))
        pytest.skip(f"not applicable: {error}")
    except NeverHappened as error:
        never = error
    except Exception as error:
        scenario.finish(error)
        raise
    _fail_unless_all_hold(item, scenario.finish(never))
    return result


def _fail_unless_all_hold(item: pytest.Item, judged: "Judged") -> None:
    """Raise the pages of what does not hold as the test's failure."""
    from harness.report.page import Situation, failure_pages
    from harness.verdict import Status

    __tracebackhide__ = True
    scenario = item.stash[SCENARIO]
    path = scenario.folder / "history.jsonl"
    if path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    situation = Situation(judged.test, judged.again, path)
    mutant = scenario.run.mutant
    own = judged.verdicts.get(mutant.contract) if mutant else None
    if mutant and own and own.status is Status.VIOLATED:
        item.session.shouldfail = f"mutant {mutant.name} was caught"
    pages = failure_pages(judged.verdicts, scenario.history, situation)
    if pages:
        pytest.fail("\n\n".join(pages), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note every error of a scenario that is not a verdict."""
    report = yield
    if report.failed and call.excinfo is not None and RUN in item.config.stash:
        error = call.excinfo.value
        asked = "history" in getattr(item, "fixturenames", ())
        if asked and not isinstance(error, pytest.fail.Exception):
            item.config.stash[RUN].failed(item.nodeid, error)
    return report


# The end


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop what runs, write the verdicts, and set the exit code from them."""
    run = session.config.stash.get(RUN, None)
    if run is None:
        return
    from harness.verdict import ExitCode

    run.close()
    if parallel.is_worker(session.config) or not (run.tests or run.errors or run.skips):
        return
    run.write()
    ours = {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}
    if parallel.stopped_at_a_failure(session.config):
        ours.add(pytest.ExitCode.INTERRUPTED)
    code = int(run.exit_code)
    if session.exitstatus == pytest.ExitCode.INTERNAL_ERROR:
        session.exitstatus = int(ExitCode.HARNESS_FAILED)
    if session.exitstatus in ours and (code or session.testsfailed == 0):
        session.exitstatus = code


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the table of verdicts and whatever is worth knowing beside it."""
    run = config.stash.get(RUN, None)
    if run is None or not (run.tests or run.skips):
        return
    from harness.report.table import verdict_table

    write = terminalreporter
    write.section("queueproof")
    width = max(write._tw.fullwidth, 110)
    text = verdict_table(
        run.tests,
        about=run.about,
        not_applicable=run.skipped,
        width=width,
        colour=write.hasmarkup,
    )
    write.write_line(text)
    for note in run.notes:
        write.write_line(f"note: {note}")
