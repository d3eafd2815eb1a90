"""The fixtures: the application under test, its user, bad luck, and who looks on."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from harness.session import SCENARIO, contracts_of, run_of

if TYPE_CHECKING:
    from harness.agent import Agent
    from harness.driver import Driver
    from harness.faults import Faults
    from harness.history import History
    from harness.probes import Probes
    from harness.rollout import Rollout
    from harness.stack import Stack
    from harness.target import Target

_PROBES: "pytest.StashKey[Probes]" = pytest.StashKey()


@pytest.fixture(scope="session")
def target(pytestconfig: pytest.Config) -> "Target":
    """Return the description of the application under test."""
    return run_of(pytestconfig).target


@pytest.fixture
def history(request: pytest.FixtureRequest) -> "Iterator[History]":
    """Return what is observed in this test; judged when its body ends."""
    from harness.scenario import Scenario

    item = request.node
    run = run_of(request.config)
    contracts = [c for c in contracts_of(item) if run.not_applicable(c) is None]
    scenario = Scenario(run, item.nodeid, contracts)
    item.stash[SCENARIO] = scenario
    yield scenario.history
    scenario.close()


@pytest.fixture
def stack(request: pytest.FixtureRequest, history: "History") -> "Iterator[Stack]":
    """Return the running application; kept from test to test while it stays clean."""
    run = run_of(request.config)
    scenario = request.node.stash[SCENARIO]
    from harness.probes import Probes

    running = run.stack_for(history)
    if running.described and "rollout" not in request.fixturenames:
        from harness.rollout import deploy

        deploy(running, {})
    probes = Probes(running, history)
    scenario.follow(running, probes)
    request.node.stash[_PROBES] = probes
    yield running
    probes.close()
    scenario.close()
    run.release_stack(request.node.nodeid)


@pytest.fixture(scope="session")
def stage(pytestconfig: pytest.Config) -> str | None:
    """Return the stage of the migration given by --stage."""
    found: str | None = pytestconfig.getoption("--stage")
    return found


@pytest.fixture
def rollout(stack: "Stack", history: "History") -> "Rollout":
    """Deploy the API anew, configured differently, while jobs are in flight.

    What it is left at the next test that asks for it finds; any other finds the API as
    it is described.
    """
    from harness.rollout import Rollout

    return Rollout(stack, history)


@pytest.fixture
def driver(stack: "Stack", history: "History") -> "Iterator[Driver]":
    """Act as the user: submit, watch, cancel, ask."""
    from harness.driver import Driver

    others = [each for each in stack.replicas.values() if each.role == "api"]
    user = Driver(stack.target, stack.urls.api, history, others=others)
    yield user
    user.close()


@pytest.fixture
def faults(stack: "Stack", history: "History") -> "Faults":
    """Act as bad luck: kill, freeze, take Redis away."""
    from harness.faults import Faults

    return Faults(stack, history)


@pytest.fixture
def probes(request: pytest.FixtureRequest, stack: "Stack") -> "Probes":
    """Look from outside: processes, memory, queues, Redis."""
    looking: Probes = request.node.stash[_PROBES]
    return looking


@pytest.fixture
def agent(stack: "Stack") -> "Agent":
    """Ask the application's own interpreter, and send tasks the way it does."""
    return stack.agent
