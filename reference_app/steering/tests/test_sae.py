import dataclasses

import pytest
import torch
from safetensors.torch import save_file

from reference_app.steering.catalogue import find_sae
from reference_app.steering.errors import UnsupportedArchitecture
from reference_app.steering.recipe import SAE_ID
from reference_app.steering.sae import Sae, load_sae

X = torch.tensor([[1.0, 2.0]])


def small(architecture, **options):
    """Three features over two numbers, easy to work out by hand: pre = (1, 2, 3)."""
    return Sae(
        **{
            "architecture": architecture,
            "k": None,
            "apply_b_dec_to_input": False,
            "W_enc": torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]),
            "b_enc": torch.zeros(3),
            "W_dec": torch.tensor([[2.0, 0.0], [0.0, 3.0], [3.0, 4.0]]),
            "b_dec": torch.tensor([1.0, 1.0]),
            **options,
        }
    )


def test_standard_keeps_what_is_positive():
    sae = small("standard", b_enc=torch.tensor([-2.0, 0.0, 0.0]))
    assert sae.encode(X).tolist() == [[0.0, 2.0, 3.0]]
    assert sae.decode(sae.encode(X)).tolist() == [[10.0, 19.0]]


def test_the_decoder_bias_is_subtracted_where_the_config_says_so():
    sae = small("standard", apply_b_dec_to_input=True)
    assert sae.encode(X).tolist() == [[0.0, 1.0, 1.0]]


def test_topk_keeps_the_k_largest():
    assert small("topk", k=2).encode(X).tolist() == [[0.0, 2.0, 3.0]]


def test_jumprelu_keeps_what_lies_above_the_threshold():
    sae = small("jumprelu", threshold=torch.tensor([0.5, 2.0, 2.5]))
    assert sae.encode(X).tolist() == [[1.0, 0.0, 3.0]]


@pytest.mark.parametrize("architecture", ["standard", "jumprelu"])
def test_normalised_rows_have_length_one_and_rebuild_the_same(architecture):
    threshold = torch.tensor([0.5, 2.0, 2.5]) if architecture == "jumprelu" else None
    stored, folded = (small(architecture, threshold=threshold) for _ in range(2))
    folded.normalise()
    assert torch.allclose(folded.W_dec.norm(dim=1), torch.ones(3))
    assert torch.allclose(
        folded.decode(folded.encode(X)), stored.decode(stored.encode(X))
    )


def test_normalising_a_topk_that_ranks_before_the_rows_count_is_refused(entry):
    with pytest.raises(UnsupportedArchitecture, match="would change the ranking"):
        load_sae(entry, normalise_rows=True)


def test_rows_are_normalised_where_the_config_rescales_by_them(root, sae_folder, edit):
    tensors = {"W_enc": torch.randn(96, 256), "b_enc": torch.zeros(256)}
    tensors |= {"W_dec": torch.randn(256, 96), "b_dec": torch.zeros(96)}
    save_file(tensors, sae_folder / "sae_weights.safetensors")
    edit(sae_folder / "cfg.json", rescale_acts_by_decoder_norm=True)
    sae = load_sae(find_sae(root, SAE_ID))
    assert sae.rows_normalised
    assert torch.allclose(sae.W_dec.norm(dim=1), torch.ones(256))


@pytest.mark.parametrize("architecture", ["standard", "jumprelu"])
def test_the_other_architectures_load_from_a_sae_lens_folder(
    root, sae_folder, edit, sae, architecture
):
    names = ("W_enc", "b_enc", "W_dec", "b_dec")
    tensors = {name: getattr(sae, name).half() for name in names}
    if architecture == "jumprelu":
        tensors["threshold"] = torch.ones(256)
    save_file(tensors, sae_folder / "sae_weights.safetensors")
    edit(sae_folder / "cfg.json", architecture=architecture)
    loaded = load_sae(find_sae(root, SAE_ID))
    assert loaded.W_dec.dtype is torch.float32
    assert (loaded.threshold is not None) == (architecture == "jumprelu")
    assert loaded.encode(torch.randn(4, 96)).shape == (4, 256)


def test_a_released_sae_holds_nothing(sae):
    copy = dataclasses.replace(
        sae, **{name: getattr(sae, name).clone() for name in ("W_enc", "W_dec")}
    )
    copy.b_enc, copy.b_dec = sae.b_enc.clone(), sae.b_dec.clone()
    copy.release()
    assert copy.W_enc.numel() == copy.W_dec.numel() == 0
