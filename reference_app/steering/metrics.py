"""What the unsteered model and the SAE say about generated text.

One teacher-forced pass per micro-batch, with no steering. All values are finite floats.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch.nn.functional import cross_entropy

from reference_app.steering.model import LanguageModel
from reference_app.steering.sae import Sae

#: Largest mean loss (nats per token) that becomes a perplexity; keeps it finite.
MAX_NLL = 80.0


@dataclass(frozen=True)
class RowMeasure:
    """One row of generated text: nats per token, and activations by feature."""

    nll: float
    distinct_2: float
    max_activation: dict[int, float]
    mean_activation: dict[int, float]


def measure_rows(
    lm: LanguageModel,
    sae: Sae,
    layer: int,
    prompt: Sequence[int],
    tokens: torch.Tensor,
    features: Sequence[int],
) -> list[RowMeasure]:
    """Measure the rows of `tokens` ([rows, n], after the prompt) in one pass."""
    residuals: list[torch.Tensor] = []
    start = torch.tensor([list(prompt)] * len(tokens), dtype=torch.long)
    columns = torch.tensor(list(features), dtype=torch.long)
    with torch.inference_mode():
        with lm.hooked(layer, residuals.append):
            logits = lm.network(
                input_ids=torch.cat([start, tokens], dim=1), use_cache=False
            ).logits
        predicted = logits[:, len(prompt) - 1 : -1].float()
        nll = cross_entropy(
            predicted.flatten(0, 1), tokens.flatten(), reduction="none"
        ).view(tokens.shape)
        rows = []
        # Row by row: a wide SAE needs d_sae floats for every token of a row at once.
        for row, residual in enumerate(residuals[0][:, len(prompt) :]):
            activations = sae.encode(residual)[:, columns]
            rows.append(
                RowMeasure(
                    nll=nll[row].mean().item(),
                    distinct_2=distinct_2(tokens[row].tolist()),
                    max_activation=_by_feature(features, activations.amax(dim=0)),
                    mean_activation=_by_feature(features, activations.mean(dim=0)),
                )
            )
    return rows


def distinct_2(ids: Sequence[int]) -> float:
    """Share of distinct pairs among neighbouring tokens; 1 when there is no pair."""
    pairs = list(pairwise(ids))
    return len(set(pairs)) / len(pairs) if pairs else 1.0


def perplexity(nlls: Iterable[float]) -> float:
    """Perplexity over rows of equal length, from their mean nats per token."""
    return round(math.exp(min(_mean(nlls), MAX_NLL)), 6)


def summary(rows: Sequence[RowMeasure], feature: int | None = None) -> dict[str, float]:
    """Metrics averaged over rows; activations too where a feature is named."""
    result = {
        "perplexity": perplexity(row.nll for row in rows),
        "distinct_2": round(_mean(row.distinct_2 for row in rows), 6),
    }
    return result if feature is None else {**result, **activation(rows, feature)}


def activation(rows: Sequence[RowMeasure], feature: int) -> dict[str, float]:
    """Largest and mean activation of a feature per row, averaged over rows."""
    return {
        "max_activation": round(_mean(row.max_activation[feature] for row in rows), 6),
        "mean_activation": round(
            _mean(row.mean_activation[feature] for row in rows), 6
        ),
    }


def _by_feature(features: Sequence[int], values: torch.Tensor) -> dict[int, float]:
    return dict(zip(features, values.tolist(), strict=True))


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return math.fsum(numbers) / len(numbers)
