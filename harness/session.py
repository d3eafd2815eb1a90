"""What one pytest session keeps: its run, and the scenario of each test."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness import parallel

if TYPE_CHECKING:
    from harness.contract import Contract
    from harness.run import Run
    from harness.scenario import Scenario

RUN: "pytest.StashKey[Run]" = pytest.StashKey()
SCENARIO: "pytest.StashKey[Scenario]" = pytest.StashKey()


def run_of(config: pytest.Config) -> "Run":
    """Return the session's run, made at first use."""
    if RUN in config.stash:
        return config.stash[RUN]
    from harness.mutant import find_mutant
    from harness.run import Run, run_folder
    from harness.target_file import load, need_target

    given = config.getoption("--target")
    path = Path(given) if given else need_target(config.rootpath)
    scenarios = path.parent if given else config.rootpath / "scenarios"
    name = config.getoption("--mutant")
    again = f' --target="{given}"' if _was_typed(config, "--target") else ""
    again += f" --mutant {name}" if name else ""
    engine = config.getoption("--engine")
    again += f" --engine {engine}" if engine != "process" else ""
    stage = config.getoption("--stage")
    again += f" --stage {stage}" if stage else ""
    run_id, part = parallel.place(config)
    run = Run(
        load(path),
        lambda: run_folder(config.rootpath, config.getoption("--run-dir"), run_id),
        engine=engine,
        mutant=find_mutant(name, scenarios / "mutants") if name else None,
        again=again,
        part=part,
        stage=stage,
    )
    config.stash[RUN] = run
    return run


def _was_typed(config: pytest.Config, option: str) -> bool:
    return any(str(arg).startswith(option) for arg in config.invocation_params.args)


def ids_of(item: pytest.Item) -> list[str]:
    """Return the contracts an item is marked with."""
    ids = (id for mark in item.iter_markers("contract") for id in mark.args)
    return list(dict.fromkeys(ids))


def contracts_of(item: pytest.Item) -> "list[Contract]":
    """Return them themselves; ContractError where one is unknown."""
    from harness.contract import find_contract

    return [find_contract(id) for id in ids_of(item)]
