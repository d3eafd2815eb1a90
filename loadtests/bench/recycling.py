"""How long a worker that takes a fresh process per job idles between two jobs.

Jobs of the described application are submitted at once; the ledger says when each one
ended and the next one started.
"""

import itertools
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from loadtests.bench.session import run_tests

NAME = "recycling"
#: Seconds; Celery alone takes 4.2 (5.7, one job per child).
TARGET_S = 0.5
JOBS = 12

ROOT = Path(__file__).parents[2]

TEST = """
import pytest


@pytest.mark.contract("capacity.next-job-starts-promptly")
def test_recycling(driver, history):
    jobs = [driver.submit("compare", seed=seed) for seed in range(%d)]
    for job in jobs:
        history.settle(job, within_s=120)
"""


def run(target: Path = ROOT / "scenarios" / "target.toml") -> dict[str, Any]:
    """Return the record; `samples` are seconds between two jobs.

    Raises:
        RuntimeError: the jobs did not run one after the other in fresh processes.
    """
    with tempfile.TemporaryDirectory(prefix="queueproof-bench-") as name:
        folder = Path(name)
        (folder / "test_recycling.py").write_text(TEST % JOBS, encoding="utf-8")
        done = run_tests(folder, target)
        runs = _runs(folder)
    gaps = [
        after["start"] - before["end"]
        for before, after in itertools.pairwise(runs)
        if before["pid"] != after["pid"]
    ]
    if len(gaps) < JOBS // 2:
        raise RuntimeError(
            f"Only {len(gaps)} changes of process in {JOBS} jobs:\n{done.stdout}"
        )
    value = statistics.median(gaps)
    return {
        "name": NAME,
        "what": "idle time between two waiting jobs on the recycling worker, median",
        "value": value,
        "unit": "s",
        "target": TARGET_S,
        "passed": value <= TARGET_S,
        "worst": max(gaps),
        "samples": [round(gap, 4) for gap in gaps],
    }


def _runs(folder: Path) -> list[dict[str, Any]]:
    """Return the executions in the order of their start: pid, start and end (s)."""
    runs: dict[str, dict[str, Any]] = {}
    for file in (folder / "run").glob("*/history.jsonl"):
        for text in file.read_text(encoding="utf-8").splitlines():
            line = json.loads(text)
            if line["source"] == "ledger" and line["kind"] in ("start", "end"):
                entry = runs.setdefault(line["job"], {"pid": line["data"]["pid"]})
                entry[line["kind"]] = line["t"]
    whole = [entry for entry in runs.values() if "start" in entry and "end" in entry]
    return sorted(whole, key=lambda entry: float(entry["start"]))
