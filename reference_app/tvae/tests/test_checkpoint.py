import os

import pytest
import torch

from reference_app.tvae import checkpoint
from reference_app.tvae.training import Recipe, Training

RECIPE = Recipe(epochs=4, seed=1)


@pytest.fixture
def training(rows, transform):
    begun = Training(rows, RECIPE, transform)
    begun.epoch()
    return begun


@pytest.fixture
def path(tmp_path):
    return tmp_path / "unfinished" / "job.safetensors"


def test_a_training_goes_on_where_it_was_saved(path, rows, training):
    checkpoint.save(path, training, "mark")
    resumed = checkpoint.resume(path, rows, RECIPE, "mark")
    assert resumed.losses == training.losses
    assert resumed.epoch() == training.epoch()


@pytest.mark.parametrize("damage", [b"", b"nothing", None])
def test_a_damaged_checkpoint_means_starting_anew(path, rows, training, damage):
    checkpoint.save(path, training, "mark")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    assert checkpoint.resume(path, rows, RECIPE, "mark") is None


def test_no_checkpoint_means_starting_anew(path, rows):
    assert checkpoint.resume(path, rows, RECIPE, "mark") is None


def test_the_checkpoint_of_other_data_or_another_recipe_is_not_used(
    path, rows, training, tmp_path
):
    data = tmp_path / "seed.csv"
    data.write_text("a")
    mark = checkpoint.fingerprint(data, RECIPE)
    checkpoint.save(path, training, mark)
    assert checkpoint.fingerprint(data, Recipe(epochs=5, seed=1)) != mark
    data.write_text("b")
    other = checkpoint.fingerprint(data, RECIPE)
    assert checkpoint.resume(path, rows, RECIPE, other) is None


def test_a_safetensors_file_of_somebody_else_is_not_used(path, rows):
    from safetensors.torch import save_file

    path.parent.mkdir()
    save_file({"x": torch.zeros(1)}, path)
    assert checkpoint.resume(path, rows, RECIPE, "mark") is None


def test_what_is_finished_or_old_is_forgotten(path, training):
    old, young = path.with_name("old.safetensors"), path.with_name("new.safetensors")
    for each in (path, old, young):
        checkpoint.save(each, training, "mark")
    os.utime(old, (0, 0))
    checkpoint.forget(path)
    assert list(path.parent.iterdir()) == [young]
