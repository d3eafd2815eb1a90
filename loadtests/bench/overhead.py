"""What the harness adds to a test of a worker: from submit to verdict, less the task.

Tests of a probe task on one kept worker run under pytest as a user's would, with all
fixtures, the history and a contract that judges it. The task's own time is what the
ledger says.
"""

import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from loadtests.bench.session import run_tests

NAME = "overhead"
#: Milliseconds per test; the goal beyond it is 25.
TARGET_MS = 50.0
GOAL_MS = 25.0
#: Tests measured; the first three, which start the parts and warm up, are left out.
TESTS = 43
WARM_UP = 3

APP = """
from celery import Celery

app = Celery("bench")
app.conf.update(worker_prefetch_multiplier=1, broker_connection_retry_on_startup=True)
"""

# A worker is only probed here, but contracts of a deployment need one to be described.
TARGET = """
app = "bench_app:app"
queues = ["celery"]
pythonpath = ["."]

[commands]
worker = "{python} -m celery -A {app} worker -c 1 --without-mingle --without-gossip"
"""

TEST = """
import pytest


@pytest.mark.contract("time_limit.deployed-pool-enforces")
@pytest.mark.parametrize("number", range(%d))
def test_one(stack, agent, history, number):
    queue = stack.probe_worker().queue()
    job = agent.probe("sleep", seconds=30, soft_s=0.05, hard_s=10, queue=queue)
    history.settle(job, within_s=20)
"""

CONFTEST = """
import json, pathlib

LOG = pathlib.Path(__file__).with_name("phases.jsonl")


def pytest_runtest_logreport(report):
    line = {"test": report.nodeid, "when": report.when, "took_s": report.duration}
    with LOG.open("a") as file:
        file.write(json.dumps({**line, "passed": report.passed}) + "\\n")
"""


def run() -> dict[str, Any]:
    """Return the record; `samples` are milliseconds per test.

    Raises:
        RuntimeError: a test did not hold; carries pytest's output.
    """
    with tempfile.TemporaryDirectory(prefix="queueproof-bench-") as name:
        folder = Path(name)
        for file, text in (
            ("bench_app.py", APP),
            ("target.toml", TARGET),
            ("test_bench.py", TEST % TESTS),
            ("conftest.py", CONFTEST),
        ):
            (folder / file).write_text(text, encoding="utf-8")
        done = run_tests(folder, folder / "target.toml")
        if done.returncode != 0:
            raise RuntimeError(f"The measured tests did not hold:\n{done.stdout}")
        phases = _phases(folder)
        own_s = _own_times_s(folder)
    calls = [(phases[t]["call"] - own_s[t]) * 1000 for t in phases][WARM_UP:]
    whole = [(sum(phases[t].values()) - own_s[t]) * 1000 for t in phases][WARM_UP:]
    value = statistics.median(calls)
    return {
        "name": NAME,
        "what": "harness overhead per probe-task test, submit to verdict, median",
        "value": value,
        "unit": "ms",
        "target": TARGET_MS,
        "goal": GOAL_MS,
        "passed": value <= TARGET_MS,
        "with_fixtures": statistics.median(whole),
        "worst": max(calls),
        "samples": [round(sample, 2) for sample in calls],
    }


def _phases(folder: Path) -> dict[str, dict[str, float]]:
    phases: dict[str, dict[str, float]] = {}
    for text in (folder / "phases.jsonl").read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        phases.setdefault(line["test"], {})[line["when"]] = line["took_s"]
    return phases


def _own_times_s(folder: Path) -> dict[str, float]:
    """Return {test: seconds between start and end in the ledger}."""
    own = {}
    for file in (folder / "run").glob("*/history.jsonl"):
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        when = {o["kind"]: o["t"] for o in lines if o["source"] == "ledger"}
        (test,) = [o["data"]["test"] for o in lines if o["kind"] == "run"]
        own[test] = when["end"] - when["start"]
    return own
