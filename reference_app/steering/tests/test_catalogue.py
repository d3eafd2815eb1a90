import json
import os
import shutil
import subprocess
import sys

import pytest
from safetensors.numpy import save_file

from reference_app.steering import catalogue
from reference_app.steering.catalogue import find_model, find_requested, find_sae
from reference_app.steering.errors import (
    CatalogueError,
    Contradiction,
    DamagedFile,
    OutsideRoot,
    PickleRefused,
    UnknownModel,
    UnknownSae,
    UnsupportedArchitecture,
    WidthMismatch,
)
from reference_app.steering.recipe import MODEL_ID, SAE_ID


def test_the_packaged_sae_is_listed_with_its_features(root):
    listing = catalogue.listing(root)

    (model,), (sae,) = listing["models"], listing["saes"]
    assert model["model_id"] == sae["model_id"] == MODEL_ID
    assert sae["d_in"] == model["width"]
    assert listing["unusable"] == []
    for feature in sae["features"]:
        assert feature["max_activation"] > 0
        assert feature["label"]
        assert feature["suggested_strengths"]
    json.dumps(listing, allow_nan=False)


def test_the_catalogue_and_the_schemas_import_no_torch():
    code = (
        "import sys; from reference_app.steering import catalogue, schemas;"
        "catalogue.listing(catalogue.models_root());"
        "print(sorted({'torch', 'transformers', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_folder_that_cannot_be_used_is_listed_with_the_reason(root, sae_folder, edit):
    edit(sae_folder / "cfg.json", architecture="gated")

    listing = catalogue.listing(root)

    assert listing["saes"] == []
    (unusable,) = listing["unusable"]
    assert unusable["id"] == SAE_ID
    assert "'gated'" in unusable["error"]


def test_models_dir_names_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("MODELS_DIR", str(tmp_path))
    assert catalogue.models_root() == tmp_path


def test_an_unknown_sae_is_refused_and_the_known_ones_named(root):
    with pytest.raises(UnknownSae, match=rf"no SAE 'other'.*Known: {SAE_ID}"):
        find_sae(root, "other")


def test_an_sae_whose_model_is_absent_is_refused(root, lm_folder):
    shutil.rmtree(lm_folder)
    with pytest.raises(UnknownModel, match=f"no language model '{MODEL_ID}'.*Put its"):
        find_sae(root, SAE_ID)


def test_an_unknown_model_architecture_is_refused(root, lm_folder, edit):
    edit(lm_folder / "config.json", model_type="mamba")
    with pytest.raises(UnsupportedArchitecture, match=r"'mamba'; supported are .*gpt2"):
        find_sae(root, SAE_ID)


@pytest.mark.parametrize("name", ["gated", "batchtopk", "transcoder", None])
def test_an_unknown_sae_architecture_is_refused(root, sae_folder, edit, name):
    edit(sae_folder / "cfg.json", architecture=str(name))
    with pytest.raises(UnsupportedArchitecture, match=rf"{name!s}.*topk, jumprelu"):
        find_sae(root, SAE_ID)


def test_an_sae_for_another_width_than_the_model_is_refused(root, sae_folder, edit):
    shapes = {"W_enc": (64, 256), "b_enc": 256, "W_dec": (256, 64), "b_dec": 64}
    _write_zeros(sae_folder / "sae_weights.safetensors", shapes)
    edit(sae_folder / "cfg.json", d_in=64)
    with pytest.raises(WidthMismatch, match=r"reads 64 .*has width 96.*Use the SAE of"):
        find_sae(root, SAE_ID)


def test_sae_weights_that_do_not_fit_their_config_are_refused(root, sae_folder, edit):
    edit(sae_folder / "cfg.json", d_sae=128)
    with pytest.raises(WidthMismatch, match=r"W_enc \[96, 128\].* have \[96, 256\]"):
        find_sae(root, SAE_ID)


def test_a_jumprelu_sae_without_thresholds_is_refused(root, sae_folder, edit):
    edit(sae_folder / "cfg.json", architecture="jumprelu")
    with pytest.raises(WidthMismatch, match=r"threshold \[256\].*missing"):
        find_sae(root, SAE_ID)


def test_model_weights_that_do_not_fit_their_config_are_refused(root, lm_folder, edit):
    edit(lm_folder / "config.json", n_embd=64)
    with pytest.raises(WidthMismatch, match=r"width 64, but tensor .*\[206, 96\]"):
        find_model(root, MODEL_ID)


@pytest.mark.parametrize("suffix", [".pt", ".bin", ".pkl", ".ckpt", ".PT"])
def test_a_pickle_beside_the_sae_is_refused(root, sae_folder, suffix):
    (sae_folder / f"sae_weights{suffix}").write_bytes(b"\x80\x04.")
    with pytest.raises(PickleRefused, match=rf"sae_weights{suffix}.*safetensors"):
        find_sae(root, SAE_ID)


@pytest.mark.parametrize("find", [find_sae, find_model])
def test_an_id_that_names_a_pickle_is_refused(root, find):
    with pytest.raises(PickleRefused, match=r"'weights.pt' is a pickle"):
        find(root, "x/weights.pt")


def test_a_model_of_pickles_only_is_refused(root, lm_folder):
    (lm_folder / "model.safetensors").rename(lm_folder / "pytorch_model.bin")
    with pytest.raises(PickleRefused, match=r"'pytorch_model.bin' is a pickle"):
        find_model(root, MODEL_ID)


@pytest.mark.parametrize("name", ["../../secret", "..", "a/../../b", "/etc"])
@pytest.mark.parametrize("find", [find_sae, find_model])
def test_an_id_that_climbs_out_of_the_models_folder_is_refused(root, find, name):
    with pytest.raises(OutsideRoot, match=r"leaves the models folder.*without '\.\.'"):
        find(root, name)


def test_a_linked_folder_outside_the_models_folder_is_refused(root, tmp_path):
    shutil.copytree(root / "saes" / SAE_ID, tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", root / "saes" / "linked")
    with pytest.raises(OutsideRoot, match=r"linked.*leaves the models folder"):
        find_sae(root, "linked")


def test_a_linked_file_outside_the_models_folder_is_refused(root, lm_folder, tmp_path):
    (lm_folder / "model.safetensors").rename(tmp_path / "model.safetensors")
    os.symlink(tmp_path / "model.safetensors", lm_folder / "model.safetensors")
    with pytest.raises(OutsideRoot, match=r"model\.safetensors.*leaves"):
        find_model(root, MODEL_ID)


def test_a_link_within_the_models_folder_is_followed(root, entry):
    os.symlink(root / "saes" / SAE_ID, root / "saes" / "linked")
    assert find_sae(root, "linked").d_sae == entry.d_sae


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model_id", "gpt2"),
        ("sae_layer", 2),
        ("sae_d_model", 64),
        ("sae_n_features", 1024),
        ("sae_architecture", "jumprelu"),
    ],
)
def test_a_request_that_contradicts_the_files_is_refused(root, field, value):
    with pytest.raises(Contradiction, match=rf"{field}={value!r}, but the files.*say"):
        find_requested(root, {"sae_id": SAE_ID, field: value})


def test_a_request_that_repeats_the_files_is_accepted(root, entry):
    claims = {"model_id": MODEL_ID, "sae_layer": 1, "sae_architecture": "topk"}
    found = find_requested(root, {"sae_id": SAE_ID, **claims, "sae_d_model": None})
    assert found.layer == entry.layer


def test_a_hook_beyond_the_last_layer_is_refused(root, sae_folder, edit):
    _edit_metadata(sae_folder, hook_name="blocks.7.hook_resid_post")
    with pytest.raises(Contradiction, match=r"layer 7 .*has layers 0\.\.2"):
        find_sae(root, SAE_ID)


def test_a_feature_the_sae_does_not_have_is_refused(entry):
    for index in (-1, entry.d_sae):
        with pytest.raises(ValueError, match=rf"feature_idx {index} is outside 0..255"):
            entry.unit(index)


def test_an_sae_without_a_catalogue_takes_raw_coefficients(root, sae_folder):
    (sae_folder / "features.json").unlink()
    found = find_sae(root, SAE_ID)
    assert (found.unit(5), found.strength_unit, found.label(5)) == (1.0, "raw", None)


def test_a_catalogue_for_another_sae_is_refused(root, sae_folder, edit):
    edit(sae_folder / "features.json", max_activations=[1.0, 2.0])
    with pytest.raises(DamagedFile, match=r"2 max_activations, expected 256"):
        find_sae(root, SAE_ID)


def test_a_model_in_a_folder_of_its_owner_is_found(root, lm_folder):
    (root / "lm" / "owner").mkdir()
    lm_folder.rename(root / "lm" / "owner" / "tales")
    assert find_model(root, "owner/tales").model_id == "owner/tales"
    assert [model["model_id"] for model in catalogue.listing(root)["models"]] == [
        "owner/tales"
    ]


def test_every_refusal_is_a_catalogue_error_and_a_value_error():
    for error in (UnknownSae, OutsideRoot, PickleRefused, WidthMismatch, DamagedFile):
        assert issubclass(error, CatalogueError)
    assert issubclass(CatalogueError, ValueError)


def _edit_metadata(folder, **settings):
    config = json.loads((folder / "cfg.json").read_text())
    config["metadata"].update(settings)
    (folder / "cfg.json").write_text(json.dumps(config))


def _write_zeros(path, shapes):
    import numpy as np

    save_file(
        {name: np.zeros(shape, "float32") for name, shape in shapes.items()}, path
    )
