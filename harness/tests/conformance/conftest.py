"""One suite for every engine: what a scenario may rely on, whichever runs it."""

import os
import sys

import pytest

from harness.engines import Command, Site
from harness.engines.choice import ENGINES, open_engine
from harness.target import Target


def pytest_generate_tests(metafunc):
    if "engine_name" in metafunc.fixturenames:
        names = metafunc.config.getoption("--engines").split(",")
        unknown = sorted(set(names) - set(ENGINES))
        if unknown:
            raise pytest.UsageError(f"--engines {unknown[0]}: known are {ENGINES}")
        metafunc.parametrize("engine_name", names, scope="session")


def pytest_ignore_collect(collection_path, config):
    """What only containers have is asked of containers only."""
    asked = config.getoption("--engines").split(",")
    if collection_path.name == "test_container.py" and "container" not in asked:
        return True
    return None


@pytest.fixture(scope="session")
def engine_name():
    """Filled in from --engines."""


@pytest.fixture(scope="session")
def engine(engine_name):
    """An engine that was asked for and cannot work is an error, never a skip."""
    engine = open_engine(engine_name, Target("nobody:app"))
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def site(engine):
    site = engine.open_site()
    yield site
    engine.close_site(site)


@pytest.fixture
def start(engine, tmp_path):
    """Start a Python program as a part; stopped after the test."""
    started = []
    # A user of its own may write there.
    tmp_path.chmod(0o777)

    def run(code="import signal; signal.pause()", *, role="part", **more):
        command = {
            "role": role,
            "argv": (sys.executable, "-S", "-c", code),
            "env": dict(os.environ),
            "cwd": tmp_path,
            "log": tmp_path / f"{role}-{len(started)}.log",
            "site": Site(),
        }
        process = engine.start(Command(**(command | more)))
        started.append(process)
        return process

    yield run
    for process in started:
        engine.stop(process, within_s=0)
