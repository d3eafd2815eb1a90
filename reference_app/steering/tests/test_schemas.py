import math

import pytest
from pydantic import ValidationError

from reference_app.steering.schemas import (
    SteeringComparisonRequest,
    SteeringSweepRequest,
)

FEATURE = {"feature_idx": 1, "strengths": [0.5]}
COMPARISON = {"sae_id": "a", "prompt": "b", "features": [FEATURE]}
SWEEP = {"sae_id": "a", "prompt": "b", "feature_idx": 1, "strengths": [0.5]}


def test_a_minimal_comparison_gets_its_defaults():
    request = SteeringComparisonRequest(**COMPARISON)
    assert (request.max_new_tokens, request.num_samples) == (40, 1)
    assert request.model_dump()["features"] == [FEATURE]


def test_a_minimal_sweep_is_accepted():
    assert SteeringSweepRequest(**SWEEP).strengths == [0.5]


def strengths(*values):
    return [{"feature_idx": 1, "strengths": list(values)}]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"sae_id": ""}, ("sae_id",)),
        ({"sae_id": "a b"}, ("sae_id",)),
        ({"sae_id": "a\x00b"}, ("sae_id",)),
        ({"prompt": ""}, ("prompt",)),
        ({"prompt": "  \n"}, ("prompt",)),
        ({"prompt": "x" * 4001}, ("prompt",)),
        ({"features": []}, ("features",)),
        ({"features": [FEATURE, FEATURE]}, ("features",)),
        ({"features": [FEATURE] * 9}, ("features",)),
        ({"features": strengths()}, ("features", 0, "strengths")),
        ({"features": strengths(0.5, 0.5)}, ("features", 0, "strengths")),
        ({"features": strengths(*range(9))}, ("features", 0, "strengths")),
        ({"features": strengths(2.5)}, ("features", 0, "strengths", 0)),
        ({"features": strengths(math.nan)}, ("features", 0, "strengths", 0)),
        (
            {"features": [{"feature_idx": -1, "strengths": [1]}]},
            ("features", 0, "feature_idx"),
        ),
        ({"max_new_tokens": 0}, ("max_new_tokens",)),
        ({"max_new_tokens": 101}, ("max_new_tokens",)),
        ({"temperature": -0.1}, ("temperature",)),
        ({"temperature": math.inf}, ("temperature",)),
        ({"seed": -1}, ("seed",)),
        ({"num_samples": 0}, ("num_samples",)),
        ({"num_samples": 257}, ("num_samples",)),
        ({"strenghts": [1]}, ("strenghts",)),
    ],
)
def test_a_wrong_comparison_is_refused_and_the_field_named(change, field):
    with pytest.raises(ValidationError) as caught:
        SteeringComparisonRequest(**{**COMPARISON, **change})
    assert field in [error["loc"] for error in caught.value.errors()]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"feature_idx": -1}, ("feature_idx",)),
        ({"strengths": []}, ("strengths",)),
        ({"strengths": [1, 1]}, ("strengths",)),
        ({"strengths": [n / 20 for n in range(33)]}, ("strengths",)),
        ({"strengths": [-3]}, ("strengths", 0)),
        ({"features": [FEATURE]}, ("features",)),
    ],
)
def test_a_wrong_sweep_is_refused_and_the_field_named(change, field):
    with pytest.raises(ValidationError) as caught:
        SteeringSweepRequest(**{**SWEEP, **change})
    assert field in [error["loc"] for error in caught.value.errors()]
