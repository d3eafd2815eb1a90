import os

import pytest
import torch
from safetensors.torch import save

from reference_app.patterns.checkpoint import Checkpoint, Superseded
from reference_app.tvae.checkpoint import Unfinished
from reference_app.tvae.training import Recipe, Training

RECIPE = Recipe(epochs=4, seed=1)


@pytest.fixture
def training(rows, transform):
    begun = Training(rows, RECIPE, transform)
    begun.epoch()
    return begun


@pytest.fixture
def unfinished(place):
    """Return a function that opens a job's checkpoint as an attempt of it."""
    place.seed.parent.mkdir(parents=True)
    place.seed.write_text("a")

    def opened(job_id="a", attempt=1, recipe=RECIPE):
        return Unfinished(place, job_id, attempt, recipe)

    return opened


def test_a_training_goes_on_where_it_was_saved(unfinished, rows, training):
    unfinished().save(training)
    resumed = unfinished(attempt=2).resume(rows)
    assert resumed.losses == training.losses
    assert resumed.epoch() == training.epoch()


@pytest.mark.parametrize("damage", [b"", b"nothing", None])
def test_a_damaged_checkpoint_means_starting_anew(
    unfinished, place, rows, training, damage
):
    unfinished().save(training)
    path = place.checkpoint("a")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    assert unfinished().resume(rows) is None


def test_no_checkpoint_means_starting_anew(unfinished, rows):
    assert unfinished().resume(rows) is None
    assert unfinished().resume(rows, retry_of="nobody") is None


def test_the_checkpoint_of_other_data_or_another_recipe_is_not_used(
    unfinished, rows, training, place
):
    unfinished().save(training)
    assert unfinished(recipe=Recipe(epochs=5, seed=1)).resume(rows) is None
    place.seed.write_text("b")
    assert unfinished().resume(rows) is None


def test_tensors_of_another_network_are_not_used(unfinished, place, rows, training):
    first = unfinished()
    first.save(training)
    about = Checkpoint(place.checkpoint("a"), fence=1).load().about
    other = save({"x": torch.zeros(1)})
    Checkpoint(place.checkpoint("a"), fence=1).save(other, step=1, **about)
    assert first.resume(rows) is None


def test_an_attempt_that_was_superseded_writes_nothing(unfinished, rows, training):
    first = unfinished(attempt=1)
    first.save(training)
    second = unfinished(attempt=2)
    losses = list(training.losses)
    training.epoch()
    for late in (lambda: first.save(training), first.forget):
        with pytest.raises(Superseded):
            late()
    assert second.resume(rows).losses == losses


def test_a_retry_begins_where_the_other_job_stopped_and_its_own_retry_too(
    unfinished, rows, training
):
    unfinished("a", attempt=2).save(training)
    unfinished("b").resume(rows, retry_of="a")  # and fails before its first checkpoint
    last = unfinished("c")
    assert last.resume(rows, retry_of="b").losses == training.losses
    last.forget()
    assert unfinished("d").resume(rows, retry_of="b") is None


def test_a_full_disk_costs_a_checkpoint_and_not_the_training(
    unfinished, rows, training, monkeypatch
):
    def full(*_):
        raise OSError(28, "No space left on device")

    first = unfinished()
    first.save(training)
    losses = list(training.losses)
    training.epoch()
    monkeypatch.setattr(os, "fsync", full)
    first.save(training)
    assert first.resume(rows).losses == losses


def test_what_is_finished_or_old_is_forgotten(unfinished, place, training):
    for job_id in ("a", "old", "new"):
        unfinished(job_id).save(training)
    for path in place.unfinished.glob("old*"):
        os.utime(path, (0, 0))
    unfinished("a").forget()
    assert {path.name for path in place.unfinished.iterdir()} == {
        *("a.fence", "new", "new.fence")
    }
