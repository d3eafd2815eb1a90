"""The job functions on the accelerator: train a model, generate data with it.

Promise: a training that lost its process goes on from its last checkpoint when its job
runs again, and ends with the same weights. Files appear whole or not at all. Whatever
`ctx.check_cancelled()` raises passes through, between two steps of training at most.

Raises NoSeedData and NoModel (both ValueError) for what is not there.
"""

import math
import shutil
import time
from collections.abc import Iterator, Mapping
from typing import Any

from reference_app.settings import settings
from reference_app.tvae import artefact, description, places, scores, seed_data, table
from reference_app.tvae.checkpoint import Unfinished
from reference_app.tvae.errors import Diverged, TryLater
from reference_app.tvae.files import write_json
from reference_app.tvae.stages import Context, tell, tell_epoch
from reference_app.tvae.table import Table
from reference_app.tvae.training import Recipe, Training

#: What these functions run on: the same one as steering.
DEVICE = "gpu0"

#: After these another attempt is worth while.
TRANSIENT = (TryLater,)

#: The files that are generated, in this order.
SPLITS = ("train", "val", "test")


def preload() -> None:
    """Do nothing: to import this module imports torch, so a forked child need not.

    The library that fits the modes is left out: only a training needs it, and every
    worker would start a second later.
    """


def train(request: Mapping[str, Any], ctx: Context) -> dict[str, Any]:
    """Train the machine's model; a retry of a failed job goes on where that one was."""
    machine_id, started_s = request["machine_id"], time.monotonic()
    recipe = Recipe(request["epochs"], request["seed"])
    place = places.of(machine_id)
    tell(
        ctx,
        machine_id,
        0,
        "initializing",
        "Preparing the seed data",
        current=0,
        total=recipe.epochs,
    )
    rows = seed_data.read(machine_id)
    unfinished = Unfinished(place, ctx.job_id, ctx.attempt, recipe)
    training = unfinished.resume(rows, request.get("retry_of"))
    if training is None:
        training = Training.start(rows, recipe)
    resumed_from = len(training.losses)
    saved_s = time.monotonic()
    while not training.done:
        training.epoch(ctx.check_cancelled)
        epoch = len(training.losses)
        if not math.isfinite(training.losses[-1]):
            raise Diverged(f"The loss is no number in epoch {epoch}. Try another seed.")
        if epoch % request["progress_every"] == 0:
            tell_epoch(ctx, machine_id, epoch, recipe.epochs, training.losses[-1])
        now_s = time.monotonic()
        if now_s - saved_s >= settings().gan_checkpoint_interval:
            unfinished.save(training)
            saved_s = now_s
    training.settle()
    artefact.save(place.model, ctx.job_id, training, {"machine_id": machine_id})
    unfinished.forget()
    return {
        "machine_id": machine_id,
        "epochs_completed": recipe.epochs,
        "resumed_from_epoch": resumed_from,
        "model_path": str(place.model / description.NAME),
        "training_time_seconds": round(time.monotonic() - started_s, 3),
        "final_loss": training.losses[-1],
    }


def generate(request: Mapping[str, Any], ctx: Context) -> dict[str, Any]:
    """Generate train, validation and test files: one draw, so no row is in two."""
    machine_id, started_s = request["machine_id"], time.monotonic()
    place = places.of(machine_id)
    tell(ctx, machine_id, 0, "initializing", "Loading the model")
    model, transform, about = artefact.load(place.model)
    counts = {name: request[f"{name}_samples"] for name in SPLITS}
    ctx.check_cancelled()
    whole = transform.decode(model.sample(sum(counts.values()), request["seed"]))
    folder = place.synthetic(ctx.job_id)
    shutil.rmtree(folder, ignore_errors=True)  # an earlier attempt of this job
    statistics: dict[str, Any] = {}
    for number, (name, part) in enumerate(_split(whole, counts), 1):
        ctx.check_cancelled()
        text = f"Writing {name} data ({number}/{len(SPLITS)})"
        percent = 30 * number
        tell(ctx, machine_id, percent, name, text, current=number, total=len(SPLITS))
        table.write(part, folder / f"{name}.csv")
        statistics[name] = _statistics(part)
    write_json(folder / "statistics.json", statistics)
    alike = scores.compare(seed_data.read(machine_id), whole)
    return {
        "machine_id": machine_id,
        "model_job_id": about["job_id"],
        "files_generated": [str(folder / f"{name}.csv") for name in SPLITS],
        "file_statistics": statistics,
        "column_score": alike.column,
        "correlation_score": alike.correlation,
        "generation_time_seconds": round(time.monotonic() - started_s, 3),
    }


def _split(whole: Table, counts: Mapping[str, int]) -> Iterator[tuple[str, Table]]:
    start = 0
    for name, rows in counts.items():
        yield (
            name,
            {column: each[start : start + rows] for column, each in whole.items()},
        )
        start += rows


def _statistics(part: Table) -> dict[str, Any]:
    described: dict[str, Any] = {"rows": table.rows_of(part)}
    for name, values in part.items():
        if values.dtype.kind == "U":
            found = sorted(set(values.tolist()))
            described[name] = {each: float((values == each).mean()) for each in found}
        else:
            described[name] = {
                "min": float(values.min()),
                "mean": float(values.mean()),
                "max": float(values.max()),
                "std": float(values.std()),
            }
    return described
