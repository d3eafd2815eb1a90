"""How long a stack takes to be ready: the smallest app, beside it the reference app.

It is what the first test of a session waits for, as pytest reports it: the harness's
own imports, Redis, the agent, and each part of the application, which is then ready.
"""

import statistics
import tempfile
from pathlib import Path
from typing import Any

from loadtests.bench.session import run_tests, seconds_of

#: Seconds, by engine, for the smallest application; images are there.
TARGETS_S = {"process": 3.0, "container": 6.0}
TIMES = 5
#: The reference application imports torch; its figure stands beside, without a target.
REFERENCE_TIMES = 2

ROOT = Path(__file__).parents[2]
SMALLEST = ROOT / "harness" / "tests" / "apps" / "target.toml"
REFERENCE = ROOT / "scenarios" / "target.toml"

TEST = """
def test_up(stack):
    pass
"""


def run(engine: str = "process") -> dict[str, Any]:
    """Return the record; `samples` are seconds until ready.

    Raises:
        RuntimeError: a stack did not start; carries pytest's output.
    """
    samples = [_start(SMALLEST, engine) for _ in range(TIMES)]
    reference = [_start(REFERENCE, engine) for _ in range(REFERENCE_TIMES)]
    value = statistics.median(samples)
    return {
        "name": "start_up" if engine == "process" else f"start_up_{engine}",
        "what": f"stack up with the smallest app, engine {engine}, median",
        "value": value,
        "unit": "s",
        "target": TARGETS_S[engine],
        "passed": value <= TARGETS_S[engine],
        "beside": f"the reference application {statistics.median(reference):.1f} s",
        "worst": max(samples),
        "reference_app": statistics.median(reference),
        "samples": [round(sample, 3) for sample in samples],
    }


def _start(target: Path, engine: str) -> float:
    with tempfile.TemporaryDirectory(prefix="queueproof-bench-") as name:
        folder = Path(name)
        (folder / "test_start.py").write_text(TEST, encoding="utf-8")
        done = run_tests(folder, target, engine)
        if done.returncode != 0:
            raise RuntimeError(f"The stack did not start:\n{done.stdout}")
        ((_, phases),) = seconds_of(folder).items()
        return phases["setup"]
