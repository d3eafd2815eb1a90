import json

import pytest
import torch
from rich.progress import Progress

from reference_app.steering import recipe
from reference_app.steering.catalogue import models_root
from reference_app.steering.model import load_model
from reference_app.steering.sae import load_sae


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("made")


@pytest.fixture(scope="module")
def built(folder):
    """A model after a few steps: everything is made, nothing is learnt."""
    progress = Progress(disable=True)
    with pytest.MonkeyPatch.context() as small:
        small.setattr(recipe, "STORIES", 400)
        small.setattr(recipe, "SAE_WINDOWS", 20)
        small.setattr(recipe, "FEATURES", 32)
        small.setattr(recipe, "CANDIDATES", 1)
        return recipe.build(folder, seed=0, steps=3, sae_steps=25, progress=progress)


def test_the_recipe_writes_folders_that_load(built, folder):
    lm, sae = load_model(built.model), load_sae(built)
    assert (built.layer, built.k, built.d_sae) == (recipe.LAYER, recipe.K, 32)
    assert torch.allclose(sae.W_dec.norm(dim=1), torch.ones(32), atol=1e-5)
    assert lm.encode("the fox", prepend_bos=True)[0] == 0
    for path in folder.rglob("*.safetensors"):
        assert path.stat().st_mode & 0o777 == 0o644


def test_an_untrained_model_gets_no_feature_that_does_not_steer(built):
    assert built.features == ()
    assert len(built.max_activations) == 32


def test_the_committed_files_are_small_readable_and_safetensors_only():
    files = [path for path in models_root().rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 3_000_000
    assert {path.suffix for path in files} == {".json", ".safetensors"}
    for path in files:
        assert path.stat().st_mode & 0o444 == 0o444


def test_the_committed_catalogue_states_label_activation_and_mass():
    (path,) = models_root().rglob("features.json")
    for feature in json.loads(path.read_text())["features"]:
        masses = list(feature["mass"].values())
        assert masses == sorted(masses)
        assert {"feature_idx", "label", "max_activation"} <= set(feature)
