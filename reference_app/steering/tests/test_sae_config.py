import pytest

from reference_app.steering.errors import (
    Contradiction,
    DamagedFile,
    UnsupportedArchitecture,
)
from reference_app.steering.sae_config import read_architecture, read_layer


@pytest.mark.parametrize(
    ("hook_name", "layer"),
    [("blocks.15.hook_resid_post", 15), ("blocks.15.hook_resid_pre", 14)],
)
def test_the_layer_follows_from_the_hook_name(hook_name, layer):
    assert read_layer("s", {"hook_name": hook_name}) == layer


@pytest.mark.parametrize(
    "hook_name", ["blocks.3.hook_mlp_out", "blocks.0.hook_resid_pre", None]
)
def test_a_hook_that_is_no_layer_output_is_refused(hook_name):
    with pytest.raises(UnsupportedArchitecture, match=rf"hooks '{hook_name}'; support"):
        read_layer("s", {"hook_name": hook_name})


def test_a_layer_that_contradicts_the_hook_name_is_refused():
    config = {"hook_name": "blocks.3.hook_resid_post", "hook_layer": 4}
    with pytest.raises(Contradiction, match=r"hook_layer=4, but hook_name='blocks\.3"):
        read_layer("s", config)


def test_an_old_flat_topk_config_is_understood():
    config = {"activation_fn_str": "topk", "activation_fn_kwargs": {"k": 32}}
    assert read_architecture("s", config) == ("topk", 32)


def test_topk_without_k_is_refused():
    with pytest.raises(DamagedFile, match="topk with k=None"):
        read_architecture("s", {"architecture": "topk"})


@pytest.mark.parametrize(
    ("option", "value"),
    [("normalize_activations", "layer_norm"), ("reshape_activations", "hook_z")],
)
def test_an_option_without_support_is_refused(option, value):
    with pytest.raises(UnsupportedArchitecture, match=f"{option}='{value}'.*'none'"):
        read_architecture("s", {"architecture": "standard", option: value})
