"""Judges the synthetic data, and a training that was killed, by one gate per line.

    python -m reference_app.tvae.quality        exit 0: all pass, 1: a gate fails

About a minute on one core. The model learns from one table and is judged by another,
made with another seed. Then a training goes through the whole application twice, and
the process of the second one is killed (see killed.py).
"""

import sys
import time
from collections.abc import Iterator

import click

from reference_app.demo import DemoFailed
from reference_app.gates import Gate, report
from reference_app.tvae import killed, machines, scores, telemetry
from reference_app.tvae.training import Recipe, Training

ROWS, EPOCHS = 8_000, 100
MIN_COLUMN, MIN_CORRELATION = 0.94, 0.95
MAX_EPOCH_CPU_S = 0.35
#: Relative difference of the final losses of an undisturbed and a killed training.
MAX_LOSS_APART = 1e-4

#: Other seeds than the models learn from.
JUDGE_SEED, SAMPLE_SEED = 1_001, 1


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
    whole, second = killed.undisturbed_and_killed(machine_id, seed)
    yield Gate(
        "killed: attempts, epoch at which the second began",
        f"{second.attempt}, {second.resumed_from}",
        f"2, 0 < epoch < {killed.EPOCHS}",
        second.attempt == 2 and 0 < second.resumed_from < killed.EPOCHS,
    )
    epochs = [len(each.losses) for each in (whole, second)]
    yield Gate(
        "epochs, undisturbed and killed",
        f"{epochs[0]} and {epochs[1]}",
        f"{killed.EPOCHS} each",
        epochs == [killed.EPOCHS, killed.EPOCHS],
    )
    one, other = whole.losses[-1], second.losses[-1]
    apart = abs(one - other) / max(abs(one), 1e-9)
    yield Gate(
        "final losses, undisturbed and killed",
        f"{one:.6f} and {other:.6f}, {apart:.1e} apart",
        f"<= {MAX_LOSS_APART:g} relative",
        apart <= MAX_LOSS_APART,
    )


def _at_least(name: str, value: float, limit: float) -> Gate:
    return Gate(name, f"{value:.4f}", f">= {limit:g}", value >= limit)


def _at_most(name: str, value: float, limit: float) -> Gate:
    return Gate(name, f"{value:.4f}", f"<= {limit:g}", value <= limit)


@click.command()
@click.option("--machine", "machine_id", default="motor_siemens_001", show_default=True)
@click.option("--seed", default=0, show_default=True)
def main(machine_id: str, seed: int) -> None:
    """Train, generate and compare on one machine's simulated telemetry."""
    try:
        gates = list(measure(machine_id, seed))
    except DemoFailed as error:
        raise click.ClickException(str(error)) from None
    sys.exit(report(f"TVAE of {machine_id}", gates))


if __name__ == "__main__":
    main()
