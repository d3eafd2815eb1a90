"""Trains a TopK sparse autoencoder on the residual stream of a language model.

Promise: the same activations and seed give the same SAE on one machine with one thread.
Decoder rows have length 1. Features that stay silent are revived by an extra loss term:
they learn what the others left unexplained.
"""

from collections.abc import Callable

import torch

from reference_app.steering.model import LanguageModel
from reference_app.steering.sae import Sae

BATCH = 512
LEARNING_RATE = 2e-3
#: A feature silent for this many steps counts as dead.
DEAD_AFTER = 20
#: Dead features used at once to explain the rest, and the weight of that loss.
REVIVED, REVIVAL_WEIGHT = 16, 0.03


def residuals(lm: LanguageModel, layer: int, windows: torch.Tensor) -> torch.Tensor:
    """Return [tokens, width]: the layer's output on windows of token ids."""
    kept: list[torch.Tensor] = []
    with torch.no_grad(), lm.hooked(layer, kept.append):
        for part in windows.split(128):
            lm.network(input_ids=part, use_cache=False, logits_to_keep=1)
    return torch.cat([part.flatten(0, 1) for part in kept])


def train_sae(
    x: torch.Tensor,
    *,
    features: int,
    k: int,
    steps: int,
    seed: int,
    on_step: Callable[[float], None] = lambda loss: None,
) -> Sae:
    """Return an SAE for residuals `x`; `on_step` gets the share left unexplained."""
    generator = torch.Generator().manual_seed(seed)
    width = x.shape[1]
    # Unit scale makes one learning rate fit any model; it is folded out at the end.
    scale = width**0.5 / x.norm(dim=1).mean()
    x = x * scale
    mean = x.mean(dim=0)
    variance = (x - mean).square().sum(dim=1).mean()
    rows = torch.randn(features, width, generator=generator)
    rows = rows / rows.norm(dim=1, keepdim=True)
    sae = Sae(
        "topk", k, True, rows.T.clone(), torch.zeros(features), rows, mean.clone()
    )
    parameters = [sae.W_enc, sae.b_enc, sae.W_dec, sae.b_dec]
    for tensor in parameters:
        tensor.requires_grad_(True)
    optimizer = torch.optim.Adam(parameters, lr=LEARNING_RATE, betas=(0.9, 0.99))
    silent = torch.zeros(features)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * min(1.0, (steps - step) / (0.3 * steps))
        batch = x[torch.randint(0, len(x), (BATCH,), generator=generator)]
        activations = sae.encode(batch)
        rebuilt = sae.decode(activations)
        unexplained = (rebuilt - batch).square().sum(dim=1).mean() / variance
        silent = torch.where((activations > 0).any(dim=0), 0.0, silent + 1)
        loss = unexplained + _revival(sae, batch, rebuilt, silent > DEAD_AFTER)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            sae.W_dec /= sae.W_dec.norm(dim=1, keepdim=True)
        on_step(unexplained.item())
    for tensor in parameters:
        tensor.requires_grad_(False)
    sae.b_enc /= scale
    sae.b_dec /= scale
    return sae


def _revival(
    sae: Sae, batch: torch.Tensor, rebuilt: torch.Tensor, dead: torch.Tensor
) -> torch.Tensor:
    """Loss of the dead features, asked to explain what the living ones do not."""
    if not dead.any():
        return torch.zeros(())
    pre = (batch - sae.b_dec) @ sae.W_enc + sae.b_enc
    values, indices = pre.masked_fill(~dead, -torch.inf).topk(
        min(REVIVED, int(dead.sum())), dim=-1
    )
    revived = torch.zeros_like(pre).scatter(-1, indices, torch.relu(values))
    rest = (batch - rebuilt).detach()
    error = (revived @ sae.W_dec - rest).square().sum(dim=1).mean()
    return REVIVAL_WEIGHT * error / rest.square().sum(dim=1).mean()
