"""An unfinished training on disk, so that a job that lost its worker goes on.

A checkpoint is used only by a training of the same recipe on the same data; anything
else, also a damaged file, means starting from the first epoch, which ends the same.
"""

import json
import logging
import time
from dataclasses import asdict

from safetensors import SafetensorError
from safetensors import torch as safetensors

from reference_app.disk import or_later
from reference_app.patterns.checkpoint import Checkpoint
from reference_app.tvae.errors import TryLater
from reference_app.tvae.files import digest
from reference_app.tvae.places import Places
from reference_app.tvae.table import Table
from reference_app.tvae.training import Recipe, Training
from reference_app.tvae.transform import Transform

log = logging.getLogger(__name__)

#: Seconds after which nobody comes back for an unfinished training.
FORGET_S = 7 * 86_400.0

#: The fence of a job that has ended: no attempt of it writes any more.
ENDED = 2**62


class Unfinished:
    """The training of one job, as one attempt of it sees it.

    An attempt that a newer one has superseded gets patterns.checkpoint.Superseded.
    """

    def __init__(
        self, place: Places, job_id: str, attempt: int, recipe: Recipe
    ) -> None:
        self._place, self._recipe = place, recipe
        self._repeated: Checkpoint | None = None
        self._mark = f"{digest(place.seed)} {json.dumps(asdict(recipe))}"
        with or_later(TryLater):
            self._checkpoint = Checkpoint(place.checkpoint(job_id), fence=attempt)

    def resume(self, table: Table, retry_of: str | None = None) -> Training | None:
        """Return the training where it was left, None if there is none to go on with.

        A job that repeats another one begins where that one stopped.
        """
        training = self._load(self._checkpoint, table)
        if training is not None or retry_of is None:
            return training
        path = self._place.checkpoint(retry_of)
        if path.exists():
            self._repeated = Checkpoint(path, fence=ENDED)
            training = self._load(self._repeated, table)
        if training is not None:
            self.save(training)  # a retry of this one looks here
        return training

    def save(self, training: Training) -> None:
        """Write where the training is; where that fails, the last one stands."""
        about = {"mark": self._mark, "columns": training.transform.to_json()}
        data = safetensors.save(training.state())
        try:
            self._checkpoint.save(data, step=len(training.losses), **about)
        except OSError as error:
            log.warning("no checkpoint this time: %s", error)

    def forget(self) -> None:
        """Remove the checkpoint, and those beside it that nobody came back for."""
        self._checkpoint.discard()
        if self._repeated is not None:
            self._repeated.discard()
        before = time.time() - FORGET_S
        for other in self._place.unfinished.iterdir():
            try:
                if other.stat().st_mtime < before:
                    other.unlink()
            except FileNotFoundError:
                continue  # another training of the machine was faster

    def _load(self, checkpoint: Checkpoint, table: Table) -> Training | None:
        saved = checkpoint.load()
        if saved is None:
            return None
        if saved.about.get("mark") != self._mark:
            log.info("the checkpoint is of another training: starting anew")
            return None
        try:
            transform = Transform.from_json(saved.about["columns"])
            training = Training(table, self._recipe, transform)
            training.restore(safetensors.load(saved.data))
        except (SafetensorError, KeyError, TypeError, RuntimeError) as error:
            log.warning("starting anew: %r", error)
            return None
        return training
