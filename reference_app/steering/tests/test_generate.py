import json
import signal
import subprocess
import sys

import pytest

from reference_app.steering import generate
from reference_app.steering.generate import compare, sweep


@pytest.fixture
def loaded(monkeypatch):
    """Models the job loads, to be looked at after it ended."""
    kept = []

    def remember(entry):
        kept.append(load(entry))
        return kept[-1]

    load = generate.load_model
    monkeypatch.setattr(generate, "load_model", remember)
    return kept


def is_let_go(lm):
    """Whether a model has no hook and no weights left."""
    hooks = sum(len(module._forward_hooks) for module in lm.network.modules())
    weights = sum(weight.numel() for weight in lm.network.parameters())
    return (hooks, weights) == (0, 0)


def test_a_comparison_holds_every_feature_at_every_strength(
    comparison, new_context, loaded, entry
):
    request = comparison()
    result = compare(request, new_context())
    wanted = [
        (feature["feature_idx"], strength)
        for feature in request["features"]
        for strength in feature["strengths"]
    ]
    assert [
        (row["feature_idx"], row["strength"]) for row in result["steered"]
    ] == wanted
    assert [row["label"] for row in result["steered"]] == [
        entry.label(index) for index, _ in wanted
    ]
    for row in [result["baseline"], *result["steered"]]:
        assert row["text"]
        assert row["metrics"]["perplexity"] > 1
    assert result["prompt"] == request["prompt"]
    json.dumps(result, allow_nan=False)
    assert is_let_go(loaded[0])


def test_strength_zero_is_the_baseline(comparison, new_context):
    result = compare(comparison(num_samples=3), new_context())
    zero, *others = result["steered"]
    assert zero["text"] == result["baseline"]["text"]
    for name, value in result["baseline"]["metrics"].items():
        assert zero["metrics"][name] == pytest.approx(value, rel=1e-4)
    assert any(row["text"] != zero["text"] for row in others)


def test_the_result_does_not_depend_on_the_size_of_the_batches(
    comparison, new_context, monkeypatch
):
    request = comparison(num_samples=4)
    wide = compare(request, new_context())
    monkeypatch.setattr(generate, "MICRO_BATCH", 3)
    narrow = compare(request, new_context())
    for one, other in zip(wide["steered"], narrow["steered"], strict=True):
        assert one["text"] == other["text"]
        for name, value in one["metrics"].items():
            assert other["metrics"][name] == pytest.approx(value, rel=1e-4, abs=1e-5)


def test_the_same_request_gives_the_same_result_and_another_seed_another(
    comparison, new_context
):
    one, again = (compare(comparison(), new_context()) for _ in range(2))
    other = compare(comparison(seed=4), new_context())
    assert one == again
    assert one["baseline"]["text"] != other["baseline"]["text"]


def test_a_sweep_has_one_point_per_strength(comparison, new_context, entry):
    request = comparison()
    index = request.pop("features")[0]["feature_idx"]
    request |= {"feature_idx": index, "strengths": [-1, 0, 0.5, 1]}
    result = sweep(request, new_context())
    assert [point["strength"] for point in result["points"]] == [-1, 0, 0.5, 1]
    assert (result["feature_idx"], result["label"]) == (index, entry.label(index))
    assert result["points"][1]["text"] == result["baseline"]["text"]
    assert set(result["baseline"]) == {"text", "metrics"}
    json.dumps(result, allow_nan=False)


def test_progress_names_its_stages_and_never_goes_back(comparison, new_context):
    context = new_context()
    compare(comparison(), context)
    stages = [(percent, text) for percent, text, forced, _ in context.reports if forced]
    assert stages == [
        (0, "Initializing"),
        (5, "Loading SAE"),
        (15, "Loading model"),
        (25, "Generating unsteered baseline"),
        (95, "Computing metrics"),
    ]
    percents = [percent for percent, *_ in context.reports]
    assert percents == sorted(percents)
    assert percents[-1] == 95


def test_token_progress_names_feature_and_strength(comparison, new_context, entry):
    context = new_context()
    request = comparison()
    compare(request, context)
    tokens = [data for _, _, forced, data in context.reports if not forced]
    assert len(tokens) == request["max_new_tokens"]
    named = {(data["current_feature"], data["current_strength"]) for data in tokens}
    assert (None, 0.0) in named
    assert (entry.features[1]["feature_idx"], -1.0) in named
    assert context.checks >= len(tokens)


class _Stop(Exception):
    """Stands for a cancel."""


@pytest.mark.parametrize("at_check", [1, 2, 3, 8, 30])
def test_a_cancel_passes_through_and_everything_is_let_go(
    comparison, new_context, loaded, at_check
):
    def stop(count):
        if count == at_check:
            raise _Stop

    with pytest.raises(_Stop) as caught:
        compare(comparison(num_samples=8), new_context(stop))
    assert caught.tb is not None
    assert all(is_let_go(lm) for lm in loaded)
    assert len(loaded) == (at_check > 2)


def test_an_exception_from_a_signal_ends_the_job_and_everything_is_let_go(
    comparison, new_context, loaded
):
    def on_alarm(_signal, _frame):
        raise TimeoutError("soft limit")

    def arm(count):
        if count == 4:  # the first token is made
            signal.setitimer(signal.ITIMER_REAL, 0.05)

    previous = signal.signal(signal.SIGALRM, on_alarm)
    try:
        with pytest.raises(TimeoutError, match="soft limit"):
            compare(comparison(num_samples=256, max_new_tokens=100), new_context(arm))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert is_let_go(loaded[0])


def test_a_prompt_that_leaves_no_room_is_refused_with_its_numbers(
    comparison, new_context, loaded
):
    request = comparison(prompt="the fox " * 50, max_new_tokens=40)
    expected = r"prompt has 101 tokens.*is 128 and max_new_tokens is 40.*leaves 88"
    with pytest.raises(ValueError, match=expected):
        compare(request, new_context())
    assert is_let_go(loaded[0])


def test_a_prompt_that_just_fits_is_accepted(comparison, new_context):
    request = comparison(prompt="fox " * 87, max_new_tokens=40)
    assert compare(request, new_context())["baseline"]["text"]


def test_an_unknown_feature_is_refused_before_anything_is_loaded(
    comparison, new_context, loaded
):
    request = comparison(features=[{"feature_idx": 256, "strengths": [1]}])
    with pytest.raises(ValueError, match=r"feature_idx 256 is outside 0\.\.255"):
        compare(request, new_context())
    assert loaded == []


FORK = """
import os, sys
from reference_app.steering import generate
generate.preload()
before = set(sys.modules)
child = os.fork()
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
class Context:
    def report(self, *args, **data): pass
    def check_cancelled(self): pass
request = {
    "sae_id": "storyteller-layer1-topk", "prompt": "the", "max_new_tokens": 5,
    "features": [{"feature_idx": 3, "strengths": [1.0]}],
}
generate.compare(request, Context())
late = {name for name in set(sys.modules) - before if name.startswith("t")}
os._exit(len({name for name in late if name.split(".")[0] in (
    "torch", "transformers", "tokenizers")}))
"""


def test_a_forked_child_runs_a_job_and_imports_nothing_more():
    done = subprocess.run([sys.executable, "-c", FORK], timeout=300, check=False)
    assert done.returncode == 0
