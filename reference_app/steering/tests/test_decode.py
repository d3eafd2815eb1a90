import gc

import pytest
import torch

from reference_app.steering.decode import RowNoise, decode_rows

OPTIONS = {"max_new_tokens": 24, "temperature": 0.8, "seed": 5}


@pytest.fixture
def prompt(lm):
    return lm.encode("one morning , the", prepend_bos=True)


@pytest.fixture
def vectors(entry, sae):
    """Sixteen rows: eight features at two strengths."""
    return torch.stack(
        [
            strength
            * entry.unit(feature["feature_idx"])
            * sae.W_dec[feature["feature_idx"]]
            for feature in entry.features
            for strength in (0.0, 1.0)
        ]
    )


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_a_batch_gives_the_rows_that_single_rows_give(lm, prompt, vectors, temperature):
    options = {**OPTIONS, "temperature": temperature}
    keys = range(len(vectors))
    together = decode_rows(lm, 1, prompt, vectors, keys, **options)
    for row in keys:
        alone = decode_rows(lm, 1, prompt, vectors[row : row + 1], [row], **options)
        assert alone[0].tolist() == together[row].tolist()


def test_a_row_does_not_depend_on_its_neighbours(lm, prompt, vectors):
    keys = list(range(len(vectors)))
    order = keys[::-3]
    together = decode_rows(lm, 1, prompt, vectors, keys, **OPTIONS)
    some = decode_rows(lm, 1, prompt, vectors[order], order, **OPTIONS)
    assert some.tolist() == together[order].tolist()


def test_a_row_of_zeros_is_the_unsteered_model(lm, prompt):
    (row,) = decode_rows(
        lm, 1, prompt, torch.zeros(1, 96), [0], **{**OPTIONS, "temperature": 0}
    )
    ids = list(prompt)
    with torch.inference_mode():
        for _ in range(OPTIONS["max_new_tokens"]):
            logits = lm.network(input_ids=torch.tensor([ids])).logits[0, -1]
            logits[lm.tokenizer.all_special_ids] = -torch.inf
            ids.append(int(logits.argmax()))
    assert row.tolist() == ids[len(prompt) :]


def test_special_tokens_are_never_made(lm, prompt, vectors):
    tokens = decode_rows(
        lm, 1, prompt, vectors, range(16), **{**OPTIONS, "temperature": 2.0}
    )
    assert not set(tokens.flatten().tolist()) & set(lm.tokenizer.all_special_ids)


def test_the_seed_and_the_key_decide_the_noise():
    def draw(seed, key):
        return RowNoise(seed, [key]).draw(50).tolist()

    assert draw(1, 2) == draw(1, 2)
    assert draw(1, 2) != draw(1, 3)
    assert draw(1, 2) != draw(2, 2)
    first, second = RowNoise(1, [7, 7]).draw(50).tolist()
    assert first == second


def test_gumbel_noise_samples_from_the_softmax():
    logits = torch.tensor([0.0, 1.0, 2.0])
    noise = RowNoise(0, range(4000)).draw(3)
    shares = torch.bincount((logits + noise).argmax(dim=1), minlength=3) / 4000
    assert torch.allclose(shares, logits.softmax(0), atol=0.03)


def test_steps_are_announced_one_by_one(lm, prompt):
    steps = []
    decode_rows(
        lm, 1, prompt, torch.zeros(2, 96), [0, 1], on_token=steps.append, **OPTIONS
    )
    assert steps == list(range(1, 25))


def test_an_exception_between_two_tokens_leaves_no_hook_and_no_cache(
    lm, prompt, vectors
):
    def stop(step):
        if step == 5:
            raise TimeoutError("soft limit")

    gc.collect()
    before = _live_numbers()
    with pytest.raises(TimeoutError) as caught:
        decode_rows(lm, 1, prompt, vectors, range(16), on_token=stop, **OPTIONS)

    assert not lm.layers[1]._forward_hooks
    assert not torch.is_inference_mode_enabled()
    # The traceback is still held here, and with it every frame: the cache must be gone.
    assert caught.value.__traceback__ is not None
    gc.collect()
    cache = 2 * len(lm.layers) * len(vectors) * 96 * len(prompt)
    assert _live_numbers() - before < cache


def _live_numbers():
    """Numbers held by all tensors alive."""
    return sum(item.numel() for item in gc.get_objects() if type(item) is torch.Tensor)
