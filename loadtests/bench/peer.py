"""What a round trip costs per test with pytest-celery 1.3, and how often ours fits in.

Theirs starts a stack for each test, in an environment of its own; the worker's image is
built before. Ours is `overhead` in containers and on processes, in the same minutes,
from the first fixture to the last: history and verdict are in it, the task's own
time is not.
"""

import statistics
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from loadtests.bench import overhead
from loadtests.bench.parts import need_containers

#: Times theirs takes longer than ours, both in containers.
TARGET = 50.0
#: Seconds all of their tests may take on a busy machine; typically 70.
WITHIN_S = 900.0

EXAMPLE = Path(__file__).parents[2] / "harness" / "tests" / "peer"


def run() -> dict[str, Any]:
    """Return the record; `samples` are their seconds per test.

    Raises:
        NotRun: there are no containers here.
        RuntimeError: a test failed; carries pytest's output.
    """
    need_containers()
    contained = overhead.run("container")["with_fixtures"] / 1000
    samples = _theirs()
    processes = overhead.run("process")["with_fixtures"] / 1000
    theirs = statistics.median(samples)
    return {
        "name": "peer",
        "what": "a round trip with pytest-celery 1.3 against one of ours, both in "
        "containers, medians",
        "value": theirs / contained,
        "unit": "times as long",
        "target": TARGET,
        "passed": theirs / contained >= TARGET,
        "beside": f"pytest-celery {theirs:.2f} s, ours {contained:.3f} s",
        "against_processes": theirs / processes,
        "pytest_celery_s": theirs,
        "ours_container_s": contained,
        "ours_process_s": processes,
        "samples": [round(sample, 2) for sample in samples],
    }


def _theirs() -> list[float]:
    """Return seconds per test, less the first, which builds the worker's image."""
    with tempfile.TemporaryDirectory(prefix="queueproof-bench-") as name:
        report = Path(name) / "junit.xml"
        done = subprocess.run(
            [
                sys.executable,
                EXAMPLE / "run.py",
                "round_trip.py",
                f"--junitxml={report}",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"Their tests did not pass:\n{done.stdout}")
        # Set-up, call and tear-down together.
        cases = ET.parse(report).getroot().iter("testcase")
        return [float(case.attrib["time"]) for case in cases][1:]
