"""Real parts, started once: an engine, and a stack of the smallest application."""

import os
import sys
from pathlib import Path

import pytest

from harness.engines import Command
from harness.engines.process import ProcessEngine
from harness.faults import Faults
from harness.history import History
from harness.probes import Probes
from harness.stack import Stack
from harness.target_file import load


def pytest_addoption(parser):
    parser.addoption(
        "--engines",
        default="process",
        metavar="LIST",
        help="engines that must pass the conformance suite: process,container",
    )


APPS = Path(__file__).parent / "apps"

#: An example with packages of its own: `python harness/tests/peer/run.py`.
collect_ignore = ["peer"]


@pytest.fixture(scope="session")
def process_engine():
    engine = ProcessEngine()
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def plain_target():
    return load(APPS / "target.toml")


@pytest.fixture(scope="session")
def kept_plain_stack(process_engine, plain_target, tmp_path_factory):
    """One stack for all tests; its own worker, no other part, has a link to hurt."""
    folder = tmp_path_factory.mktemp("run")
    stack = Stack(plain_target, process_engine, folder, links=("worker",))
    stack.start()
    yield stack
    stack.stop()


@pytest.fixture(scope="session")
def kept_whole_stack(process_engine, tmp_path_factory):
    """One stack of all parts: API, worker, and a beat that sends without end."""
    folder = tmp_path_factory.mktemp("whole")
    stack = Stack(load(APPS / "whole.toml"), process_engine, folder).start()
    yield stack
    stack.stop()


@pytest.fixture
def whole_stack(kept_whole_stack):
    """The kept stack of all parts, with a history of this test's own."""
    history = History()
    kept_whole_stack.attach(history)
    return kept_whole_stack


@pytest.fixture
def plain_stack(kept_plain_stack):
    """The kept stack, with a history of this test's own."""
    history = History()
    kept_plain_stack.attach(history)
    return kept_plain_stack


@pytest.fixture
def stack(plain_stack):
    """The stack that is hurt and looked at; a module may say which, by its own."""
    return plain_stack


@pytest.fixture
def history(stack):
    return stack.history


@pytest.fixture
def faults(stack, history):
    return Faults(stack, history)


@pytest.fixture
def probes(stack, history):
    probes = Probes(stack, history)
    yield probes
    probes.close()


@pytest.fixture
def sleeper(process_engine, tmp_path):
    """Start a Python one-liner in a session of its own; stopped after the test."""
    started = []

    def start(code="import signal; signal.pause()", *, role="sleeper"):
        process = process_engine.start(
            Command(
                role=role,
                argv=(sys.executable, "-S", "-c", code),
                env=dict(os.environ),
                cwd=tmp_path,
                log=tmp_path / f"{role}.log",
            )
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process_engine.stop(process, within_s=0)
