"""Training of one network, epoch by epoch; it can be put away and go on exactly.

All randomness comes from one generator, whose state is part of what is put away: a
training that was interrupted after any epoch ends with the same weights and losses as
one that was not (same machine, one thread).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from reference_app.tvae.model import Tvae
from reference_app.tvae.table import Table
from reference_app.tvae.transform import Transform

#: Rows per step: fewer rows cost more steps, more rows learn less per epoch.
BATCH = 500
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 1e-5


@dataclass(frozen=True)
class Recipe:
    """What a training is asked for; equal recipes on equal data give equal models."""

    epochs: int
    seed: int = 0
    batch: int = BATCH


class Training:
    """A network, its optimiser and its randomness, between two epochs."""

    def __init__(self, table: Table, recipe: Recipe, transform: Transform) -> None:
        torch.set_num_threads(1)  # a second thread on a shared core is slower
        self.recipe, self.transform = recipe, transform
        self._rows = torch.from_numpy(transform.encode(table))
        self._generator = torch.Generator().manual_seed(recipe.seed)
        # The layers draw their first weights from the global generator.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            self.model = Tvae(transform.spans)
        self._optimiser = torch.optim.Adam(
            self.model.parameters(),
            lr=LEARNING_RATE,
            weight_decay=WEIGHT_DECAY,
            fused=True,
        )
        #: Mean loss per row of every epoch so far.
        self.losses: list[float] = []

    @classmethod
    def start(cls, table: Table, recipe: Recipe) -> "Training":
        """Return a training at its first epoch; fitting the modes takes a second."""
        return cls(table, recipe, Transform.fit(table, recipe.seed))

    @property
    def done(self) -> bool:
        """Whether all epochs have been trained."""
        return len(self.losses) >= self.recipe.epochs

    def epoch(self, before_step: Callable[[], None] = lambda: None) -> float:
        """Train one epoch and return its loss; an exception of `before_step` passes."""
        order = torch.randperm(len(self._rows), generator=self._generator)
        total = torch.zeros(())
        for chosen in order.split(self.recipe.batch):
            before_step()
            noise = torch.randn(
                len(chosen), self.model.latent, generator=self._generator
            )
            loss = self.model.loss(self._rows[chosen], noise)
            self._optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self._optimiser.step()
            self.model.clamp()
            total += loss.detach() * len(chosen)
        self.losses.append(float(total) / len(self._rows))
        return self.losses[-1]

    def settle(self) -> None:
        """Make the network ready to sample from; after the last epoch."""
        self.model.settle(self._rows)

    def state(self) -> dict[str, Tensor]:
        """Return everything that the next epoch depends on, by name."""
        tensors = {
            f"model.{name}": each for name, each in self.model.state_dict().items()
        }
        for number, slots in self._optimiser.state_dict()["state"].items():
            tensors |= {
                f"optimiser.{number}.{name}": each for name, each in slots.items()
            }
        return tensors | {
            "generator": self._generator.get_state(),
            "losses": torch.tensor(self.losses, dtype=torch.float64),
        }

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go back to where `state` was asked.

        Raises:
            KeyError, RuntimeError: these are not the tensors of such a training.
        """
        self.model.load_state_dict(_part(tensors, "model."))
        slots: dict[int, dict[str, Any]] = {}
        for name, each in _part(tensors, "optimiser.").items():
            number, _, slot = name.partition(".")
            slots.setdefault(int(number), {})[slot] = each
        groups = self._optimiser.state_dict()["param_groups"]
        self._optimiser.load_state_dict({"state": slots, "param_groups": groups})
        self._generator.set_state(tensors["generator"])
        self.losses = tensors["losses"].tolist()


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): each
        for name, each in tensors.items()
        if name.startswith(prefix)
    }
