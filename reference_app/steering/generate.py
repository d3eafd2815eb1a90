"""The job functions: compare strengths of SAE features, or sweep one feature.

Promise: a request gives the same result however its rows are batched, and the row at
strength 0 is the baseline. Baseline and all (feature, strength, sample) rows go
through the model together, 16 at a time. When a job ends in any way, also by an
exception raised from outside (time limit, cancel), no hook is left and weights and
caches are let go.

Raises ValueError for a prompt that does not fit the model's context, for an unknown
feature, and (CatalogueError) for files that cannot be used; whatever
`ctx.check_cancelled()` raises passes through.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from reference_app.steering.catalogue import SaeEntry, find_requested, models_root
from reference_app.steering.decode import decode_rows
from reference_app.steering.metrics import (
    RowMeasure,
    activation,
    measure_rows,
    summary,
)
from reference_app.steering.model import LanguageModel, import_transformers, load_model
from reference_app.steering.sae import Sae, load_sae

#: Rows that go through the model together. 16 keep one core busy on the embedded model
#: (8 rows reach about two thirds of the speed); a token step stays far below 0.1 s, so
#: a time limit or a cancel bites between two steps.
MICRO_BATCH = 16

#: What every job here holds a place on while it runs; job_task.py sees to it.
DEVICE = "gpu0"

#: Feature and strength; (None, 0.0) is the baseline.
Combination = tuple[int | None, float]
BASELINE: Combination = (None, 0.0)


class Context(Protocol):
    """What a job function is given; reference_app.context.JobContext is one."""

    def report(
        self, percent: float, message: str, *, force: bool = False, **data: Any
    ) -> None:
        """Show progress; the context throttles it."""

    def check_cancelled(self) -> None:
        """Raise when the job is not wanted any more."""


@dataclass(frozen=True)
class Row:
    """One text to generate; `feature` None is the unsteered baseline."""

    feature: int | None
    strength: float
    sample: int  #: rows of one sample share their noise, so only the steering differs


@dataclass
class Steering:
    """What a running job holds: SAE, model, prompt."""

    entry: SaeEntry
    sae: Sae
    lm: LanguageModel
    prompt: list[int]

    def vectors(self, rows: Sequence[Row]) -> torch.Tensor:
        """Steering vectors [rows, width]; zeros for the baseline."""
        result = torch.zeros(len(rows), self.entry.d_in)
        for index, row in enumerate(rows):
            if row.feature is not None:
                coefficient = row.strength * self.entry.unit(row.feature)
                result[index] = coefficient * self.sae.W_dec[row.feature]
        return result


def preload() -> None:
    """Import everything a job needs, so that a forked child starts at once.

    Imports only: no tensor operation (a forked child hangs on a lost thread pool), no
    weights, no file of a model. Costs seconds and about 0.2 GB, once, in the parent.
    """
    import_transformers()
    # What from_pretrained would import on first use; 0.1 s of it compiles the regular
    # expressions that rename tensors of old checkpoints.
    from transformers import AutoModelForCausalLM, AutoTokenizer, conversion_mapping
    from transformers.models.gpt2 import modeling_gpt2

    conversion_mapping.get_checkpoint_conversion_mapping("gpt2")
    _ = AutoModelForCausalLM, AutoTokenizer, modeling_gpt2


def compare(request: Mapping[str, Any], ctx: Context) -> dict[str, Any]:
    """Texts and metrics for each feature at each strength, beside the baseline."""
    wanted = [
        (feature["feature_idx"], float(strength))
        for feature in request["features"]
        for strength in feature["strengths"]
    ]
    entry, texts, measures = _run(request, wanted, ctx)
    return {
        **_header(request, entry),
        "features": [
            {
                "feature_idx": index,
                "label": entry.label(index),
                "unit": entry.unit(index),
                "baseline": activation(measures[BASELINE], index),
            }
            for index in dict.fromkeys(feature for feature, _ in wanted)
        ],
        "baseline": {"text": texts[BASELINE], "metrics": summary(measures[BASELINE])},
        "steered": [
            {
                "feature_idx": index,
                "label": entry.label(index),
                "strength": strength,
                "text": texts[index, strength],
                "metrics": summary(measures[index, strength], index),
            }
            for index, strength in wanted
        ],
    }


def sweep(request: Mapping[str, Any], ctx: Context) -> dict[str, Any]:
    """Texts and metrics of one feature over many strengths."""
    index = request["feature_idx"]
    wanted = [(index, float(strength)) for strength in request["strengths"]]
    entry, texts, measures = _run(request, wanted, ctx)
    points = [
        {
            "strength": strength,
            "text": texts[feature, strength],
            "metrics": summary(measures[feature, strength], index),
        }
        for feature, strength in [BASELINE, *wanted]
    ]
    baseline, *steered = points
    del baseline["strength"]
    return {
        **_header(request, entry),
        "feature_idx": index,
        "label": entry.label(index),
        "unit": entry.unit(index),
        "baseline": baseline,
        "points": steered,
    }


def _header(request: Mapping[str, Any], entry: SaeEntry) -> dict[str, Any]:
    return {
        "sae_id": entry.sae_id,
        "model_id": entry.model_id,
        "layer": entry.layer,
        "strength_unit": entry.strength_unit,
        "prompt": request["prompt"],
    }


def _run(
    request: Mapping[str, Any], wanted: Sequence[tuple[int, float]], ctx: Context
) -> tuple[SaeEntry, dict[Combination, str], dict[Combination, list[RowMeasure]]]:
    """Generate and measure all rows; texts and measures, by combination."""
    ctx.report(0, "Initializing", force=True)
    torch.set_num_threads(1)  # before the first operation: see preload
    entry = find_requested(models_root(), request)
    for feature, _ in wanted:
        entry.unit(feature)
    rows = [
        Row(feature, strength, sample)
        for feature, strength in [BASELINE, *wanted]
        for sample in range(request.get("num_samples", 1))
    ]
    with ExitStack() as owned:
        ctx.check_cancelled()
        ctx.report(5, "Loading SAE", force=True)
        sae = load_sae(entry)
        owned.callback(sae.release)
        ctx.check_cancelled()
        ctx.report(15, "Loading model", force=True)
        lm = load_model(entry.model)
        owned.callback(lm.release)
        steering = Steering(entry, sae, lm, _prompt(request, entry, lm))
        ctx.check_cancelled()
        ctx.report(25, "Generating unsteered baseline", force=True)
        tokens = _generate(steering, rows, request, ctx)
        ctx.report(95, "Computing metrics", force=True)
        texts: dict[Combination, str] = {}
        measures: dict[Combination, list[RowMeasure]] = {}
        features = sorted({feature for feature, _ in wanted})
        for part in _micro_batches(rows):
            ctx.check_cancelled()
            measured = measure_rows(
                lm, sae, entry.layer, steering.prompt, tokens[part], features
            )
            for row, ids, measure in zip(
                rows[part], tokens[part], measured, strict=True
            ):
                key = (row.feature, row.strength)
                if row.sample == 0:
                    texts[key] = lm.decode(ids.tolist())
                measures.setdefault(key, []).append(measure)
        return entry, texts, measures


def _prompt(
    request: Mapping[str, Any], entry: SaeEntry, lm: LanguageModel
) -> list[int]:
    """Token ids of the prompt; ValueError when it leaves no room for the new tokens."""
    ids = lm.encode(request["prompt"], prepend_bos=entry.prepend_bos)
    context, new = entry.model.context, request.get("max_new_tokens", 40)
    if not ids:
        raise ValueError(
            f"prompt {request['prompt']!r} gives no token. Write at least one word."
        )
    if context is not None and len(ids) > context - new:
        raise ValueError(
            f"prompt has {len(ids)} tokens, but the context of {entry.model_id!r} is "
            f"{context} and max_new_tokens is {new}, which leaves {context - new}. "
            "Shorten the prompt or lower max_new_tokens."
        )
    return ids


def _generate(
    steering: Steering, rows: Sequence[Row], request: Mapping[str, Any], ctx: Context
) -> torch.Tensor:
    """Tokens of all rows, [rows, max_new_tokens]; progress goes from 25 to 95."""
    new = request.get("max_new_tokens", 40)
    total = len(rows) * new
    made: list[torch.Tensor] = []
    for part in _micro_batches(rows):
        batch = rows[part]
        before = part.start * new

        def on_token(
            step: int, batch: Sequence[Row] = batch, before: int = before
        ) -> None:
            ctx.check_cancelled()
            # The rows of a batch advance together: events name them in turn.
            row = batch[(step - 1) % len(batch)]
            ctx.report(
                25 + 70 * (before + step * len(batch)) / total,
                "Generating unsteered baseline"
                if row.feature is None
                else f"Generating feature {row.feature} @ {row.strength:g}",
                current_feature=row.feature,
                current_strength=row.strength,
            )

        made.append(
            decode_rows(
                steering.lm,
                steering.entry.layer,
                steering.prompt,
                steering.vectors(batch),
                [row.sample for row in batch],
                max_new_tokens=new,
                temperature=request.get("temperature", 0.8),
                seed=request.get("seed", 0),
                on_token=on_token,
            )
        )
    return torch.cat(made)


def _micro_batches(rows: Sequence[Row]) -> Iterator[slice]:
    for start in range(0, len(rows), MICRO_BATCH):
        yield slice(start, min(start + MICRO_BATCH, len(rows)))
