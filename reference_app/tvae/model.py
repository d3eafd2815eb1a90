"""The network: a variational autoencoder over the vectors of a Transform.

Xu et al. 2019, section 4.4: a Gaussian with a learned deviation for the place within a
mode, a softmax for every one-hot part.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from reference_app.tvae.transform import Span, Vectors

#: Numbers between encoder and decoder. 32 copy the correlations better than 128, and
#: train faster.
LATENT = 32
HIDDEN = 128
#: How much more the reconstruction counts than the distance to the prior.
RECONSTRUCTION = 2.0
#: The learned deviation stays between these.
DEVIATIONS = (0.01, 1.0)


class Tvae(nn.Module):
    """Encoder, decoder, and the deviation of every scalar part."""

    def __init__(
        self, spans: Sequence[Span], latent: int = LATENT, hidden: int = HIDDEN
    ) -> None:
        super().__init__()
        width = spans[-1].stop
        self.latent, self.hidden = latent, hidden
        self._one_hot = [(span.start, span.stop) for span in spans if not span.scalar]
        self._scalars = [span.start for span in spans if span.scalar]
        self.encoder = _layers(width, hidden, 2 * latent)
        self.decoder = _layers(latent, hidden, width)
        self.deviation = nn.Parameter(torch.full((len(self._scalars),), 0.1))
        # Where rows lie between encoder and decoder: normal until `settle` looked.
        self.register_buffer("center", torch.zeros(latent))
        self.register_buffer("shape", torch.eye(latent))

    def loss(self, rows: Tensor, noise: Tensor) -> Tensor:
        """Return the mean loss per row; `noise` is normal, [rows, latent]."""
        mean, log_variance = self.encoder(rows).chunk(2, dim=1)
        made = self.decoder(mean + noise * (0.5 * log_variance).exp())
        scalars = made[:, self._scalars].tanh()
        error = (rows[:, self._scalars] - scalars) / self.deviation
        lost = 0.5 * error.square().sum() + len(rows) * self.deviation.log().sum()
        for start, stop in self._one_hot:
            target = rows[:, start:stop].argmax(dim=1)
            lost = lost + cross_entropy(made[:, start:stop], target, reduction="sum")
        divergence = 1 + log_variance - mean.square() - log_variance.exp()
        return (RECONSTRUCTION * lost - 0.5 * divergence.sum()) / len(rows)

    @torch.no_grad()
    def clamp(self) -> None:
        """Keep the deviations in their range; after every step."""
        self.deviation.clamp_(*DEVIATIONS)

    @torch.no_grad()
    def settle(self, rows: Tensor) -> None:
        """Learn where rows lie between encoder and decoder; once, after training.

        The encoder fills only about the normal distribution that it is held to.
        Drawing from the one it fills (Ghosh et al. 2020, ex-post density estimation)
        makes the copy more like the rows, whatever the seed.
        """
        mean, log_variance = self.encoder(rows).chunk(2, dim=1)
        spread = torch.cov(mean.T) + log_variance.exp().mean(dim=0).diag()
        self.center.copy_(mean.mean(dim=0))
        self.shape.copy_(torch.linalg.cholesky(spread))

    @torch.no_grad()
    def sample(self, rows: int, seed: int) -> Vectors:
        """Return `rows` new vectors; the same seed gives the same ones."""
        generator = torch.Generator().manual_seed(seed)
        normal = torch.randn(rows, self.latent, generator=generator)
        made = self.decoder(self.center + normal @ self.shape.T)
        noise = torch.randn(rows, len(self._scalars), generator=generator)
        scalars = made[:, self._scalars].tanh() + self.deviation * noise
        made[:, self._scalars] = scalars.clamp(-1, 1)
        vectors: Vectors = made.numpy().astype(np.float32)
        return vectors


def _layers(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, hidden),
        nn.ReLU(),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Linear(hidden, outputs),
    )
