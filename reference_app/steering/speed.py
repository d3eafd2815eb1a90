"""Measures steering in one batch against steering row by row, on this machine.

    python -m reference_app.steering.speed [--json]

Both use the KV cache, make the same tokens and take turns in one process, so a busy
machine slows both. Values are medians over the rounds.
"""

import json
import time
from statistics import median
from typing import Any

import click
import torch
from rich.console import Console
from rich.table import Table

from reference_app.steering.catalogue import find_sae, models_root
from reference_app.steering.decode import decode_rows
from reference_app.steering.effect import NEUTRAL_PROMPT
from reference_app.steering.generate import MICRO_BATCH
from reference_app.steering.model import load_model
from reference_app.steering.recipe import SAE_ID
from reference_app.steering.sae import load_sae

TOKENS = 40
ROUNDS = 5


def measure(*, rounds: int = ROUNDS, tokens: int = TOKENS) -> dict[str, Any]:
    """Return rows, tokens, seconds of both ways, and how many times faster one is."""
    torch.set_num_threads(1)
    entry = find_sae(models_root(), SAE_ID)
    lm, sae = load_model(entry.model), load_sae(entry)
    prompt = lm.encode(NEUTRAL_PROMPT, prepend_bos=entry.prepend_bos)
    feature = entry.features[0]["feature_idx"]
    strengths = torch.linspace(-1, 1, MICRO_BATCH)
    vectors = strengths[:, None] * entry.unit(feature) * sae.W_dec[feature]

    def rows(part: slice) -> torch.Tensor:
        keys = range(MICRO_BATCH)[part]
        options = {"max_new_tokens": tokens, "temperature": 0.8, "seed": 0}
        return decode_rows(lm, entry.layer, prompt, vectors[part], keys, **options)

    def batched() -> torch.Tensor:
        return rows(slice(None))

    def sequential() -> torch.Tensor:
        return torch.cat([rows(slice(row, row + 1)) for row in range(MICRO_BATCH)])

    same = torch.equal(batched(), sequential())  # also warms up
    times: dict[str, list[tuple[float, float]]] = {"batched": [], "sequential": []}
    for _ in range(rounds):
        for name, way in (("batched", batched), ("sequential", sequential)):
            cpu, wall = time.process_time(), time.perf_counter()
            way()
            took = time.process_time() - cpu, time.perf_counter() - wall
            times[name].append(took)
    record: dict[str, Any] = {
        "rows": MICRO_BATCH,
        "tokens": tokens,
        "rounds": rounds,
        "same_tokens": same,
    }
    for name, spent in times.items():
        record[f"{name}_cpu_s"] = round(median(cpu for cpu, _ in spent), 4)
        record[f"{name}_wall_s"] = round(median(wall for _, wall in spent), 4)
    for clock in ("cpu", "wall"):
        ratio = record[f"sequential_{clock}_s"] / record[f"batched_{clock}_s"]
        record[f"{clock}_ratio"] = round(ratio, 2)
    return record


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on one line.")
@click.option("--rounds", default=ROUNDS, show_default=True, help="Rounds of each way.")
def main(as_json: bool, rounds: int) -> None:
    """Measure batched against row-by-row steering."""
    record = measure(rounds=rounds)
    if as_json:
        click.echo(json.dumps(record))
        return
    table = Table("measured", "value", title="Steering speed, one thread")
    for name, value in record.items():
        table.add_row(name, str(value))
    Console().print(table)


if __name__ == "__main__":
    main()
