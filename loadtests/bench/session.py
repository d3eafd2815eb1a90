"""A pytest session of its own, as a user would start it, for a measurement."""

import json
import os
import subprocess
import sys
from pathlib import Path

#: Seconds a session may take on a busy machine; typically 25.
WITHIN_S = 300.0

CONFTEST = """
import json, pathlib

LOG = pathlib.Path(__file__).with_name("phases.jsonl")


def pytest_runtest_logreport(report):
    line = {"test": report.nodeid, "when": report.when, "took_s": report.duration}
    with LOG.open("a") as file:
        file.write(json.dumps(line) + "\\n")
"""


def run_tests(
    folder: Path, target: Path, engine: str = "process"
) -> subprocess.CompletedProcess[str]:
    """Run the tests in `folder` on the application of `target`; `folder/run` results.

    Raises:
        subprocess.TimeoutExpired: it took over WITHIN_S.
    """
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("--rootdir", str(folder), "--target", str(target.resolve())),
            *("--run-dir", str(folder / "run"), "--engine", engine),
            *("-p", "no:schemathesis", "-p", "no:valkey", str(folder)),
        ],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )


def seconds_of(folder: Path) -> dict[str, dict[str, float]]:
    """Return {test: {setup, call, teardown: seconds}} of the tests that ran there."""
    phases: dict[str, dict[str, float]] = {}
    for text in (folder / "phases.jsonl").read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        phases.setdefault(line["test"], {})[line["when"]] = line["took_s"]
    return phases
