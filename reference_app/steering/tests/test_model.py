import shutil

import pytest
import torch

from reference_app.steering.catalogue import find_model
from reference_app.steering.decode import decode_rows
from reference_app.steering.model import LanguageModel, import_transformers, load_model


@pytest.fixture
def other_family(request, root, lm_folder):
    """A random model of another family, with the committed tokenizer."""
    transformers = import_transformers()
    torch.manual_seed(0)
    sizes = {
        "vocab_size": 206,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "max_position_embeddings": 64,
        "bos_token_id": 0,
        "eos_token_id": 0,
    }
    config, network = {
        "llama": (transformers.LlamaConfig, transformers.LlamaForCausalLM),
        "gpt_neox": (transformers.GPTNeoXConfig, transformers.GPTNeoXForCausalLM),
    }[request.param]
    folder = root / "lm" / "other"
    network(config(**sizes)).save_pretrained(folder)
    for path in lm_folder.glob("tokenizer*"):
        shutil.copy(path, folder)
    return find_model(root, "other")


def test_text_survives_the_tokenizer(lm):
    ids = lm.encode("One morning, the fox crept.", prepend_bos=True)
    assert ids[0] == lm.tokenizer.bos_token_id
    assert lm.decode(ids) == "one morning, the fox crept."


def test_a_prompt_without_start_token_has_one_id_less(lm):
    assert len(lm.encode("the fox", prepend_bos=False)) == 2


@pytest.mark.parametrize("other_family", ["llama", "gpt_neox"], indirect=True)
def test_a_model_of_another_family_loads_and_is_steered(other_family):
    lm = load_model(other_family)
    assert len(lm.layers) == 3
    vectors = torch.zeros(2, 32)
    vectors[1] = 50.0 * torch.randn(32, generator=torch.Generator().manual_seed(1))
    tokens = decode_rows(
        lm, 1, [0, 5], vectors, [0, 0], max_new_tokens=8, temperature=0, seed=0
    )
    plain = decode_rows(
        lm, 1, [0, 5], vectors[:1], [0], max_new_tokens=8, temperature=0, seed=0
    )
    assert tokens[0].tolist() == plain[0].tolist()
    assert tokens[0].tolist() != tokens[1].tolist()


class _Layer(torch.nn.Module):
    """A layer as older transformers have it: its output is a tuple."""

    def forward(self, x):
        return (x + 1, "cache")


def test_a_layer_that_returns_a_tuple_is_hooked_too(entry):
    layer = _Layer()
    network = torch.nn.Module()
    network.transformer = torch.nn.Module()
    network.transformer.h = torch.nn.ModuleList([layer])
    lm = LanguageModel(entry.model, network, None)
    seen = []
    with lm.hooked(0, seen.append):
        assert layer(torch.ones(1))[0].tolist() == [2.0]
    with lm.hooked(0, lambda hidden: hidden * 10):
        changed = layer(torch.ones(1))
    assert seen[0].tolist() == [2.0]
    assert (changed[0].tolist(), changed[1]) == ([20.0], "cache")
    assert not layer._forward_hooks


def test_a_hook_is_gone_when_the_body_raises(lm):
    def fail():
        with lm.hooked(1, lambda hidden: hidden):
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not lm.layers[1]._forward_hooks


def test_a_released_model_holds_no_weights(entry):
    lm = load_model(entry.model)
    lm.release()
    assert sum(weight.numel() for weight in lm.network.parameters()) == 0
