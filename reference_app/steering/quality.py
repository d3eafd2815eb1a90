"""Does the embedded model talk, and does steering work? One gate per line.

    python -m reference_app.steering.quality        exit 0: all pass, 1: a gate fails

Perplexity and the SAE are judged on held-out stories. Each catalogued feature is judged
by its topic: the teacher-forced probability of the topic's words must rise at every
step of [-1, 1], and their share of sampled text at strength 1 must be at least three
times that at 0 (64 rows of 40 tokens, the same noise for both).
"""

import math
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import torch
from torch.nn.functional import cross_entropy

from reference_app.gates import Gate, report
from reference_app.steering.catalogue import SaeEntry, find_sae, models_root
from reference_app.steering.effect import (
    STRENGTHS,
    held_out,
    is_rising,
    sampled_share,
    topic_mass,
)
from reference_app.steering.errors import CatalogueError
from reference_app.steering.model import LanguageModel, load_model
from reference_app.steering.recipe import SAE_ID
from reference_app.steering.sae import Sae, load_sae
from reference_app.steering.stories import TOPICS

#: Seed of the sampled text; not the one that chose the features.
GATE_SEED = 1
MAX_PERPLEXITY = 3.6
#: Largest fraction of the residual's variance the SAE may leave unexplained (FVU).
MAX_UNEXPLAINED = 0.05
#: Largest loss (nats per token) from putting the SAE's output in place of the residual.
MAX_SAE_LOSS = 0.02
MIN_SHARE_RATIO = 3.0


def measure(root: Path, sae_id: str) -> Iterator[Gate]:
    """Yield every gate of an SAE and its model, one after the other."""
    torch.set_num_threads(1)
    entry = find_sae(root, sae_id)
    lm, sae = load_model(entry.model), load_sae(entry)
    yield from _text_gates(entry, lm, sae)
    labels = [str(feature["label"]) for feature in entry.features]
    yield Gate(
        "topics with a feature",
        f"{len(set(labels))}: {', '.join(labels)}",
        f"{len(TOPICS)}, one feature each",
        sorted(labels) == sorted(TOPICS),
    )
    yield from _topic_gates(entry, lm, sae)


def _text_gates(entry: SaeEntry, lm: LanguageModel, sae: Sae) -> Iterator[Gate]:
    windows = held_out(lm, windows=120)
    seen: list[torch.Tensor] = []
    with torch.inference_mode():
        with lm.hooked(entry.layer, seen.append):
            plain = _loss(lm, windows)
        with lm.hooked(entry.layer, lambda hidden: sae.decode(sae.encode(hidden))):
            replaced = _loss(lm, windows)
        x = seen[0].flatten(0, 1)
        left = (sae.decode(sae.encode(x)) - x).square().sum()
        fvu = (left / (x - x.mean(dim=0)).square().sum()).item()
    perplexity, added = math.exp(plain), replaced - plain
    yield _at_most("perplexity on held-out stories", perplexity, MAX_PERPLEXITY)
    yield _at_most("variance the SAE leaves unexplained", fvu, MAX_UNEXPLAINED)
    yield _at_most("loss added by the SAE, nats", added, MAX_SAE_LOSS)


def _topic_gates(entry: SaeEntry, lm: LanguageModel, sae: Sae) -> Iterator[Gate]:
    windows = held_out(lm, windows=32)
    grid = [strength for strength in STRENGTHS if -1 <= strength <= 1]
    nothing = torch.zeros(entry.d_in)
    share_before = sampled_share(lm, entry.layer, nothing, seed=GATE_SEED)
    for feature in entry.features:
        index, label = feature["feature_idx"], feature["label"]
        topic = list(TOPICS).index(label)
        vector = entry.unit(index) * sae.W_dec[index]
        masses = [
            topic_mass(lm, entry.layer, windows, strength * vector)[topic].item()
            for strength in grid
        ]
        yield Gate(
            f"{label} (feature {index}): mass at {grid[0]:g} … {grid[-1]:g}",
            " ".join(f"{mass:.3f}" for mass in masses),
            "each larger than the one before",
            is_rising(masses),
        )
        before = share_before[topic].item()
        after = sampled_share(lm, entry.layer, vector, seed=GATE_SEED)[topic].item()
        yield Gate(
            f"{label} (feature {index}): share of sampled words at 0, 1",
            f"{before:.3f} {after:.3f} = {after / max(before, 1e-9):.1f} x",
            f">= {MIN_SHARE_RATIO:g} x",
            after >= MIN_SHARE_RATIO * before > 0,
        )


def _loss(lm: LanguageModel, windows: torch.Tensor) -> float:
    """Nats per token, teacher-forced."""
    logits = lm.network(input_ids=windows, use_cache=False).logits[:, :-1]
    return cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten()).item()


def _at_most(name: str, value: float, limit: float) -> Gate:
    return Gate(name, f"{value:.4f}", f"< {limit:g}", value < limit)


@click.command()
@click.option("--sae", "sae_id", default=SAE_ID, show_default=True)
def main(sae_id: str) -> None:
    """Measure the models under MODELS_DIR (default: those of this package)."""
    try:
        gates = list(measure(models_root(), sae_id))
    except CatalogueError as error:
        raise click.UsageError(str(error)) from None
    sys.exit(report(f"SAE {sae_id}", gates))


if __name__ == "__main__":
    main()
