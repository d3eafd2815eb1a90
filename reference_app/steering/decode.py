"""Generates steered rows: one batch, one vector per row, one KV cache.

    x <- x + vector[row]          at every position of the hooked layer's output

Promise: a row's tokens depend on its own vector, noise key and the request's seed, not
on which rows share the batch (exact in fp32 up to ties of the matrix kernels). All rows
share one prompt, so there is no padding. Every row makes exactly `max_new_tokens`
tokens, special tokens excluded, so that strengths are compared over equal lengths.
"""

import hashlib
from collections.abc import Callable, Sequence

import torch

from reference_app.steering.model import LanguageModel


class RowNoise:
    """Gumbel noise per row, from one generator per key; equal keys get equal noise.

    argmax(logits / T + noise) samples from softmax(logits / T).
    """

    def __init__(self, seed: int, keys: Sequence[int]) -> None:
        self._keys = list(keys)
        self._generators = {key: _generator(seed, key) for key in self._keys}

    def draw(self, size: int) -> torch.Tensor:
        """Noise of the next token, [rows, size]."""
        by_key = {
            key: torch.rand(size, generator=generator)
            for key, generator in self._generators.items()
        }
        uniform = torch.stack([by_key[key] for key in self._keys]).clamp_min(1e-30)
        return -torch.log(-torch.log(uniform))


def _generator(seed: int, key: int) -> torch.Generator:
    digest = hashlib.blake2b(f"{seed}:{key}".encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "big") >> 1)


def decode_rows(
    lm: LanguageModel,
    layer: int,
    prompt: Sequence[int],
    vectors: torch.Tensor,
    keys: Sequence[int],
    *,
    max_new_tokens: int,
    temperature: float,
    seed: int,
    on_token: Callable[[int], None] = lambda step: None,
) -> torch.Tensor:
    """Tokens after the prompt, [rows, max_new_tokens].

    `vectors` is [rows, width]; a row of zeros is the unsteered model. Temperature 0
    takes the likeliest token. `on_token(step)` runs after each step (1, 2, ...) and may
    raise: hook and cache are gone then. Raises nothing of its own.
    """
    noise = RowNoise(seed, keys) if temperature > 0 else None
    special = torch.tensor(sorted(set(lm.tokenizer.all_special_ids)), dtype=torch.long)
    per_row = vectors[:, None, :]

    def steer(hidden: torch.Tensor) -> torch.Tensor:
        return hidden + per_row.to(hidden.dtype)

    made: list[torch.Tensor] = []
    inputs = torch.tensor([list(prompt)] * len(vectors), dtype=torch.long)
    output = cache = None
    try:
        with torch.inference_mode(), lm.hooked(layer, steer):
            for step in range(1, max_new_tokens + 1):
                output = lm.network(
                    input_ids=inputs,
                    past_key_values=cache,
                    use_cache=True,
                    logits_to_keep=1,
                )
                cache = output.past_key_values
                logits = output.logits[:, -1].float()
                logits[:, special] = -torch.inf
                if noise is not None:
                    logits = logits / temperature + noise.draw(logits.shape[-1])
                inputs = logits.argmax(dim=-1, keepdim=True)
                made.append(inputs)
                on_token(step)
        return torch.cat(made, dim=1).clone()
    finally:
        # A traceback keeps this frame, and with it the cache, unless it is let go here.
        output = cache = None
