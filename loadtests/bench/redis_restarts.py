"""How many Redis restarts under load the deployed worker survives, of twenty.

Before each restart a task runs, acknowledged or not as the application says, and more
wait behind it. Survived: the same main process goes on, and does a new task in time.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from loadtests.bench.session import run_tests

NAME = "redis_restarts"
RESTARTS = 20
#: Seconds from the restart to the end of a new task; typically 3.
WITHIN_S = 12.0

ROOT = Path(__file__).parents[2]

# A burst of restarts is another thing: each of these meets a worker at work.
TEST = """
import pytest


@pytest.mark.contract("broker.consumes-again")
@pytest.mark.parametrize("number", range(%d))
def test_one(agent, target, faults, history, number):
    queue = target.queues[0]
    tasks = [agent.probe("sleep", seconds=1.0, queue=queue) for _ in range(3)]
    history.until(tasks[0], "ledger.start", within_s=20)
    faults.redis_restart()
    history.settle(agent.probe("sleep", queue=queue), within_s=%g)
"""


def run(
    target: Path = ROOT / "scenarios" / "target.toml", restarts: int = RESTARTS
) -> dict[str, Any]:
    """Return the record; `samples` are seconds from restart to a new task's end.

    Raises:
        RuntimeError: Redis was not restarted so often under a running task.
    """
    with tempfile.TemporaryDirectory(prefix="queueproof-bench-") as name:
        folder = Path(name)
        text = TEST % (restarts, WITHIN_S)
        (folder / "test_redis_restarts.py").write_text(text, encoding="utf-8")
        done = run_tests(folder, target)
        found = [_one(file) for file in (folder / "run").glob("*/history.jsonl")]
    if len(found) < restarts or any(one["running"] == 0 for one in found):
        raise RuntimeError(f"Only {len(found)} of {restarts} restarts:\n{done.stdout}")
    took = [one["took_s"] for one in found if one["took_s"] is not None]
    survived = [one for one in found if not one["exits"] and one["took_s"] is not None]
    return {
        "name": NAME,
        "what": f"Redis restarts under load that the worker survived, of {restarts}",
        "value": len(survived),
        "unit": "restarts",
        "target": restarts,
        "passed": len(survived) == restarts,
        "main_process_ended": sum(one["exits"] > 0 for one in found),
        "no_new_task_in_time": sum(one["took_s"] is None for one in found),
        "started_twice": sum(one["twice"] for one in found),
        "samples": [round(seconds, 2) for seconds in took],
    }


def _one(file: Path) -> dict[str, Any]:
    """Return what one restart did to the worker and its tasks."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]

    def named(source: str, kind: str) -> list[dict[str, Any]]:
        return [
            line for line in lines if (line["source"], line["kind"]) == (source, kind)
        ]

    (restart,) = (line for line in named("fault", "injected") if line["data"]["bit"])
    restart_s = restart["t"]
    starts = [line["job"] for line in named("ledger", "start")]
    ends = {line["job"]: line["t"] for line in named("ledger", "end")}
    last = named("send", "accepted")[-1]["job"]
    begun = {line["job"] for line in named("ledger", "start") if line["t"] < restart_s}
    exits = [line["data"].get("role") for line in named("stack", "exited")]
    return {
        "running": sum(ends.get(job, restart_s) >= restart_s for job in begun),
        "took_s": ends[last] - restart_s if last in ends else None,
        "exits": exits.count("worker"),
        "twice": len(starts) - len(set(starts)),
    }
