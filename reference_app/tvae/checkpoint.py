"""An unfinished training on disk, so that a job that lost its worker goes on.

A checkpoint is used only by a training of the same recipe on the same data; anything
else, also a damaged file, means starting from the first epoch, which ends the same.
"""

import json
import logging
import time
from dataclasses import asdict
from pathlib import Path

from reference_app.tvae import tensors
from reference_app.tvae.files import digest
from reference_app.tvae.table import Table
from reference_app.tvae.training import Recipe, Training
from reference_app.tvae.transform import Transform

log = logging.getLogger(__name__)

#: Seconds after which nobody comes back for an unfinished training.
FORGET_S = 7 * 86_400.0


def fingerprint(seed_data: Path, recipe: Recipe) -> str:
    """Return what a checkpoint must agree with: the data's digest and the recipe."""
    return f"{digest(seed_data)} {json.dumps(asdict(recipe))}"


def save(path: Path, training: Training, mark: str) -> None:
    """Write where the training is; an existing checkpoint is replaced."""
    about = {"fingerprint": mark, "columns": training.transform.to_json()}
    tensors.write(path, training.state(), about)


def resume(path: Path, table: Table, recipe: Recipe, mark: str) -> Training | None:
    """Return the training where it was left, None if there is nothing to go on from."""
    try:
        state, about = tensors.read(path)
        if about["fingerprint"] != mark:
            log.info("%s is of another training: starting anew", path)
            return None
        training = Training(table, recipe, Transform.from_json(about["columns"]))
        training.restore(state)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        log.warning("starting anew: %r", error)
        return None
    return training


def forget(path: Path) -> None:
    """Remove a checkpoint, and those beside it that nobody came back for."""
    path.unlink(missing_ok=True)
    before = time.time() - FORGET_S
    for other in path.parent.glob("*.safetensors"):
        try:
            if other.stat().st_mtime < before:
                other.unlink()
        except FileNotFoundError:
            continue  # another training of the machine was faster
