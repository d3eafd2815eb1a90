"""Judges the synthetic data, and a training that was killed, by one gate per line.

    python -m reference_app.tvae.quality        exit 0: all pass, 1: a gate fails

One minute on one core. The model learns from one table and is judged by another, made
with another seed. A process that trains is killed (SIGKILL) after its first checkpoint
and run again, beside one that nobody disturbs; both go through the job function.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table as Page

from reference_app.tvae import description, machines, places, scores, table, telemetry
from reference_app.tvae.training import Recipe, Training

ROWS, EPOCHS = 8_000, 100
MIN_COLUMN, MIN_CORRELATION = 0.94, 0.95
MAX_EPOCH_CPU_S = 0.35
#: Relative difference of the final losses of an undisturbed and a killed training.
MAX_LOSS_APART = 1e-4

#: The training that is killed: long enough to be hit in the middle.
KILLED_ROWS, KILLED_EPOCHS = 2_000, 120

#: Other seeds than the models learn from.
JUDGE_SEED, SAMPLE_SEED = 1_001, 1


@dataclass(frozen=True)
class Gate:
    """One measured value, what it must be, and whether it is."""

    name: str
    value: str
    required: str
    passed: bool


def measure(machine_id: str, seed: int) -> Iterator[Gate]:
    """Yield every gate, one after the other."""
    yield from _scores(machine_id, seed)
    yield from _resume(machine_id, seed)


def _scores(machine_id: str, seed: int) -> Iterator[Gate]:
    machine = machines.find(machine_id)
    training = Training.start(
        telemetry.simulate(machine, ROWS, seed), Recipe(EPOCHS, seed)
    )
    began_s = time.process_time()
    while not training.done:
        training.epoch()
    epoch_s = (time.process_time() - began_s) / EPOCHS
    training.settle()
    made = training.transform.decode(training.model.sample(ROWS, SAMPLE_SEED))
    fresh = telemetry.simulate(machine, ROWS, seed + JUDGE_SEED)
    alike = scores.compare(fresh, made)
    yield _at_least("column score", alike.column, MIN_COLUMN)
    yield _at_least("correlation score", alike.correlation, MIN_CORRELATION)
    yield _at_most("CPU seconds per epoch", epoch_s, MAX_EPOCH_CPU_S)


def _resume(machine_id: str, seed: int) -> Iterator[Gate]:
    with tempfile.TemporaryDirectory() as name:
        whole, killed = Path(name) / "whole", Path(name) / "killed"
        for folder in (whole, killed):
            machine = machines.find(machine_id)
            table.write(
                telemetry.simulate(machine, KILLED_ROWS, seed),
                places.of(machine_id, folder).seed,
            )
        _train(machine_id, seed, whole).communicate()
        began, resumed = _kill_and_run_again(machine_id, seed, killed)
        losses = [_losses(machine_id, folder) for folder in (whole, killed)]
    yield Gate(
        "killed, then begun again at epoch",
        f"{resumed} (killed after {began})",
        f"0 < epoch < {KILLED_EPOCHS}",
        0 < resumed < KILLED_EPOCHS,
    )
    trained = [len(each) for each in losses]
    yield Gate(
        "epochs, undisturbed and killed",
        f"{trained[0]} and {trained[1]}",
        f"{KILLED_EPOCHS} each",
        trained == [KILLED_EPOCHS, KILLED_EPOCHS],
    )
    last = [each[-1] for each in losses]
    apart = abs(last[0] - last[1]) / max(abs(last[0]), 1e-9)
    yield Gate(
        "final losses, undisturbed and killed",
        f"{last[0]:.6f} and {last[1]:.6f}, {apart:.1e} apart",
        f"<= {MAX_LOSS_APART:g} relative",
        math.isfinite(apart) and apart <= MAX_LOSS_APART,
    )


def _kill_and_run_again(machine_id: str, seed: int, folder: Path) -> tuple[str, int]:
    place = places.of(machine_id, folder)
    first = _train(machine_id, seed, folder)
    assert first.stdout is not None
    line = ""
    with first:
        for line in first.stdout:
            if line.startswith("Epoch") and place.checkpoint("job").exists():
                first.kill()
                break
    second = _train(machine_id, seed, folder)
    out, _ = second.communicate()
    if second.returncode:
        raise click.ClickException(f"The second training ended: {second.returncode}")
    result = json.loads(out.splitlines()[-1])
    return line.partition(",")[0], result["resumed_from_epoch"]


def _train(machine_id: str, seed: int, folder: Path) -> subprocess.Popen[str]:
    settings = {"DATA_DIR": str(folder), "GAN_CHECKPOINT_INTERVAL": "1"}
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "reference_app.tvae.train_script"),
            *("--machine-id", machine_id, "--epochs", str(KILLED_EPOCHS)),
            *("--seed", str(seed), "--job-id", "job", "--progress-every", "1"),
        ],
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        text=True,
    )


def _losses(machine_id: str, folder: Path) -> list[float]:
    about: dict[str, Any] = json.loads(
        (places.of(machine_id, folder).model / description.NAME).read_text()
    )
    return list(about["losses"])


def _at_least(name: str, value: float, limit: float) -> Gate:
    return Gate(name, f"{value:.4f}", f">= {limit:g}", value >= limit)


def _at_most(name: str, value: float, limit: float) -> Gate:
    return Gate(name, f"{value:.4f}", f"<= {limit:g}", value <= limit)


@click.command()
@click.option("--machine", "machine_id", default="motor_siemens_001", show_default=True)
@click.option("--seed", default=0, show_default=True)
def main(machine_id: str, seed: int) -> None:
    """Train, generate and compare on one machine's simulated telemetry."""
    page = Page("gate", "measured", "required", "", title=f"TVAE of {machine_id}")
    gates = list(measure(machine_id, seed))
    for gate in gates:
        verdict = "[green]pass[/]" if gate.passed else "[bold red]FAIL[/]"
        page.add_row(gate.name, gate.value, gate.required, verdict)
    Console().print(page)
    sys.exit(0 if all(gate.passed for gate in gates) else 1)


if __name__ == "__main__":
    main()
