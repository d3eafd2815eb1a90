import torch

from reference_app.steering.effect import (
    STRENGTHS,
    held_out,
    is_rising,
    sampled_share,
    topic_mass,
    topic_words,
)
from reference_app.steering.stories import TOPICS


def test_every_topic_word_is_one_token(lm):
    words = topic_words(lm)
    assert words.sum(dim=1).tolist() == [20] * 8
    assert not words[:, lm.tokenizer.unk_token_id].any()


def test_held_out_windows_have_the_asked_size_and_no_unknown_word(lm):
    windows = held_out(lm, windows=10, length=32)
    assert windows.shape == (10, 32)
    assert not (windows == lm.tokenizer.unk_token_id).any()


def test_the_topic_mass_rises_with_the_strength_of_every_feature(lm, sae, entry):
    windows = held_out(lm, windows=12)
    for feature in entry.features:
        vector = feature["max_activation"] * sae.W_dec[feature["feature_idx"]]
        topic = list(TOPICS).index(feature["label"])
        masses = [
            topic_mass(lm, entry.layer, windows, strength * vector)[topic].item()
            for strength in STRENGTHS
            if abs(strength) <= 1
        ]
        assert is_rising(masses), feature["label"]


def test_the_sampled_share_follows_its_seed(lm):
    one, again, other = (
        sampled_share(lm, 1, torch.zeros(96), seed=seed) for seed in (1, 1, 2)
    )
    assert one.tolist() == again.tolist() != other.tolist()


def test_rising_means_every_step():
    assert is_rising([1, 2, 3])
    assert not is_rising([1, 1, 3])
