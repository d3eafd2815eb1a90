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

from loadtests.bench.session import run_tests, seconds_of

#: Milliseconds per test, by engine.
TARGETS_MS = {"process": 25.0, "container": 100.0}
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


def run(engine: str = "process") -> dict[str, Any]:
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
        ):
            (folder / file).write_text(text, encoding="utf-8")
        done = run_tests(folder, folder / "target.toml", engine)
        if done.returncode != 0:
            raise RuntimeError(f"The measured tests did not hold:\n{done.stdout}")
        phases = seconds_of(folder)
        own_s = _own_times_s(folder)
    calls = [(phases[t]["call"] - own_s[t]) * 1000 for t in phases][WARM_UP:]
    whole = [(sum(phases[t].values()) - own_s[t]) * 1000 for t in phases][WARM_UP:]
    value = statistics.median(calls)
    return {
        "name": "overhead" if engine == "process" else f"overhead_{engine}",
        "what": "harness overhead per probe-task test, submit to verdict, engine "
        f"{engine}, median",
        "value": value,
        "unit": "ms",
        "target": TARGETS_MS[engine],
        "passed": value <= TARGETS_MS[engine],
        "beside": f"the task itself {statistics.median(own_s.values()) * 1000:.1f} ms",
        "with_fixtures": statistics.median(whole),
        "worst": max(calls),
        "samples": [round(sample, 2) for sample in calls],
    }


def _own_times_s(folder: Path) -> dict[str, float]:
    """Return {test: seconds between start and end in the ledger}."""
    own = {}
    for file in (folder / "run").glob("*/history.jsonl"):
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        when = {o["kind"]: o["t"] for o in lines if o["source"] == "ledger"}
        (test,) = [o["data"]["test"] for o in lines if o["kind"] == "run"]
        own[test] = when["end"] - when["start"]
    return own
