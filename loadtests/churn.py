"""`python -m loadtests.churn --jobs 1000 --seed 1`: count what many kills cost.

Runs `scenarios/test_churn.py` so long, shows how far it is, and prints what was
counted. Exit codes are the scenario's: 0 no job was lost, 1 one was, 3 nothing can be
said.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from harness import wait_until

ROOT = Path(__file__).parents[1]
TEST = "scenarios/test_churn.py"
CONTRACT = "delivery.churn-loses-nothing"

#: Seconds per job until the command gives up; typically 0.6.
PER_JOB_S = 3.0


@click.command()
@click.option("--jobs", default=1000, show_default=True, help="Jobs to submit.")
@click.option("--seed", default=1, show_default=True, help="Which jobs are hurt, how.")
@click.option(
    "--engine", type=click.Choice(["process", "container"]), default="process"
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, no table.")
def main(jobs: int, seed: int, engine: str, as_json: bool) -> None:
    """Submit many jobs while children and workers are killed and connections cut.

    Sixteen of a hundred jobs lose their process, 1.6 their worker, 1.6 its connections.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="queueproof-churn-") as name:
        code = _run(Path(name), jobs, seed, engine)
        record = _record(Path(name), jobs, seed, engine, time.monotonic() - began)
    kept = ROOT / ".qp" / "churn" / f"{engine}-{jobs}-{seed}.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    if as_json:
        print(json.dumps(record))
    else:
        Console().print(_table(record))
    sys.exit(code)


def _run(folder: Path, jobs: int, seed: int, engine: str) -> int:
    """Run the scenario, its progress on the terminal; return its exit code."""
    options = ["--churn-jobs", str(jobs), "--churn-seed", str(seed)]
    log = folder / "output.log"
    with log.open("w", encoding="utf-8") as output:
        scenario = subprocess.Popen(
            [
                *(sys.executable, "-m", "pytest", TEST, "-q", "--engine", engine),
                *("--run-dir", str(folder / "run"), *options),
                # It takes minutes: that is no reason to print what each thread does.
                *("-o", "faulthandler_timeout=0"),
            ],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        bars = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*bars, console=Console(stderr=True)) as progress:
            bar = progress.add_task("starting", total=jobs)
            count = _Counts(folder)

            def done() -> bool:
                seen = count()
                damage = seen.total() - seen["submitted"] - seen["ended"]
                told = f"{seen['submitted']} accepted, {seen['ended']} ended, "
                told += f"{damage} times hurt"
                progress.update(bar, completed=seen["ended"], description=told)
                return scenario.poll() is not None

            try:
                wait_until(
                    done,
                    within_s=60 + jobs * PER_JOB_S,
                    every_s=1.0,
                    what=f"{jobs} jobs have ended",
                )
            finally:
                scenario.terminate()
                scenario.wait()
    if scenario.returncode:
        print(log.read_text(encoding="utf-8"), file=sys.stderr)
    return scenario.returncode


class _Counts:
    """How many jobs were submitted and ended, and the damage that bit, so far.

    A history of a thousand jobs is long: each line is read once.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read = 0  #: bytes of the history
        self.seen: Counter[str] = Counter()

    def __call__(self) -> Counter[str]:
        for history in self._folder.glob("run/*/history.jsonl"):
            with history.open("rb") as file:
                file.seek(self._read)
                for line in file:
                    if not line.endswith(b"\n"):
                        break  # not yet written to its end
                    self._read += len(line)
                    self._count(json.loads(line))
        return self.seen

    def _count(self, line: dict[str, Any]) -> None:
        match line.get("source"), line.get("kind"):
            case "driver", "submitted":
                self.seen["submitted"] += 1
            case "driver", "event" if line["data"]["event"] != "progress":
                self.seen["ended"] += 1
            case "fault", "injected" if line["data"]["bit"]:
                self.seen[line["data"]["fault"]] += 1


def _record(
    folder: Path, jobs: int, seed: int, engine: str, took_s: float
) -> dict[str, object]:
    verdicts = list(folder.glob("run/*/verdicts.json"))
    if not verdicts:
        raise SystemExit("The scenario did not run; its output is above.")
    found = json.loads(verdicts[0].read_text(encoding="utf-8"))["verdicts"]
    verdict = next(each for each in found if each["contract"] == CONTRACT)
    return {
        "jobs": jobs,
        "seed": seed,
        "engine": engine,
        "verdict": verdict["status"],
        "summary": verdict["summary"],
        "damage": {
            name: count
            for name, count in _Counts(folder)().items()
            if name not in ("submitted", "ended")
        },
        "executions_at_most": verdict["measured"].get("attempts"),
        "seconds": round(took_s, 1),
    }


def _table(record: dict[str, object]) -> Table:
    table = Table(title="churn", show_header=False)
    for key, value in record.items():
        table.add_row(key, str(value))
    return table


if __name__ == "__main__":
    main()
