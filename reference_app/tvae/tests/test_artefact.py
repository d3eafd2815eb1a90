import json

import numpy as np
import pytest
from safetensors import safe_open

from reference_app.tvae import artefact
from reference_app.tvae.errors import NoModel
from reference_app.tvae.training import Recipe, Training


@pytest.fixture
def training(rows, transform):
    begun = Training(rows, Recipe(1), transform)
    begun.epoch()
    return begun


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "model"


def test_a_saved_model_makes_the_same_data(folder, training):
    artefact.save(folder, "job-1", training, {"machine_id": "m"})
    model, transform, about = artefact.load(folder)
    assert np.array_equal(model.sample(20, 3), training.model.sample(20, 3))
    assert transform.columns == training.transform.columns
    assert (about["job_id"], about["machine_id"]) == ("job-1", "m")
    assert about["losses"] == training.losses


def test_everybody_may_read_it_and_nothing_is_a_pickle(folder, training):
    artefact.save(folder, "job-1", training, {})
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["job-1.safetensors", "model.json"]
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o644
    with safe_open(folder / "job-1.safetensors", framework="np") as file:
        assert "deviation" in file.keys()  # noqa: SIM118 no dict


def test_the_weights_of_the_model_before_stay_for_who_reads_them_now(folder, training):
    for name in ("job-1", "job-2", "job-3"):
        artefact.save(folder, name, training, {})
    assert {path.stem for path in folder.glob("*.safetensors")} == {"job-2", "job-3"}
    assert artefact.load(folder)[2]["job_id"] == "job-3"


def test_saving_the_same_job_twice_is_saving_it_once(folder, training):
    artefact.save(folder, "job-1", training, {})
    artefact.save(folder, "job-1", training, {})
    assert artefact.load(folder)[2]["job_id"] == "job-1"


def test_no_model_is_told_with_the_remedy(folder):
    with pytest.raises(NoModel, match="Train one first"):
        artefact.load(folder)


@pytest.mark.parametrize("name", ["model.json", "job-1.safetensors"])
def test_a_damaged_model_is_refused_and_can_be_trained_again(folder, training, name):
    artefact.save(folder, "job-1", training, {})
    (folder / name).write_bytes(b"{")
    with pytest.raises(NoModel, match=r"damaged.*[Tt]rain"):
        artefact.load(folder)
    artefact.save(folder, "job-2", training, {})
    assert artefact.load(folder)[2]["job_id"] == "job-2"


def test_the_description_of_another_network_is_refused(folder, training):
    artefact.save(folder, "job-1", training, {})
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"hidden": 4}))
    with pytest.raises(NoModel, match="damaged"):
        artefact.load(folder)
