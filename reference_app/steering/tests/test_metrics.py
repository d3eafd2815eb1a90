import json
import math

import pytest
import torch

from reference_app.steering.decode import decode_rows
from reference_app.steering.metrics import (
    distinct_2,
    measure_rows,
    perplexity,
    summary,
)


@pytest.fixture
def prompt(lm):
    return lm.encode("one morning , the", prepend_bos=True)


@pytest.fixture
def tokens(lm, prompt):
    options = {"max_new_tokens": 16, "temperature": 0.8, "seed": 2}
    return decode_rows(lm, 1, prompt, torch.zeros(5, 96), range(5), **options)


def test_the_perplexity_is_that_of_the_unsteered_model(lm, sae, prompt, tokens):
    (row,) = measure_rows(lm, sae, 1, prompt, tokens[:1], [0])
    ids = [*prompt, *tokens[0].tolist()]
    with torch.inference_mode():
        logs = lm.network(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
    expected = -sum(
        logs[place - 1, ids[place]].item() for place in range(len(prompt), len(ids))
    ) / len(tokens[0])
    assert row.nll == pytest.approx(expected, rel=1e-4)


def test_activations_are_those_of_the_continuation(lm, sae, prompt, tokens):
    seen = []
    with torch.inference_mode(), lm.hooked(1, seen.append):
        lm.network(input_ids=torch.tensor([[*prompt, *tokens[0].tolist()]]))
        activations = sae.encode(seen[0][0, len(prompt) :])
    feature = int(activations.amax(dim=0).argmax())
    (row,) = measure_rows(lm, sae, 1, prompt, tokens[:1], [feature])
    expected = activations[:, feature]
    assert row.max_activation[feature] == pytest.approx(expected.max().item(), rel=1e-4)
    assert row.mean_activation[feature] == pytest.approx(
        expected.mean().item(), rel=1e-4
    )


def test_rows_are_measured_alike_alone_and_together(lm, sae, prompt, tokens):
    together = measure_rows(lm, sae, 1, prompt, tokens, [3, 9])
    for row, measured in enumerate(together):
        (alone,) = measure_rows(lm, sae, 1, prompt, tokens[row : row + 1], [3, 9])
        assert alone.nll == pytest.approx(measured.nll, rel=1e-4)


def test_a_summary_averages_rows_and_is_json(lm, sae, prompt, tokens):
    rows = measure_rows(lm, sae, 1, prompt, tokens, [3])
    result = summary(rows, 3)
    assert result["perplexity"] == pytest.approx(
        math.exp(sum(row.nll for row in rows) / len(rows)), rel=1e-5
    )
    assert set(result) == {
        "perplexity",
        "distinct_2",
        "max_activation",
        "mean_activation",
    }
    json.dumps(result, allow_nan=False)


def test_a_hopeless_text_still_has_a_finite_perplexity():
    assert math.isfinite(perplexity([1e9]))


def test_distinct_2_counts_different_pairs():
    assert distinct_2([1, 2, 1, 2]) == pytest.approx(2 / 3)
    assert distinct_2([1, 2, 3]) == 1.0
    assert distinct_2([1]) == 1.0
