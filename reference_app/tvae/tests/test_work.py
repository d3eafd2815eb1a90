import csv
import json

import pytest

from reference_app.tvae import artefact, seed_data, table, work
from reference_app.tvae.errors import NoModel, NoSeedData, UnknownMachine


class Cancelled(BaseException):
    pass


def cancel_at(number):
    def check(count):
        if count == number:
            raise Cancelled

    return check


@pytest.fixture
def trained(training_request, new_context, place):
    work.train(training_request(epochs=2), new_context("trained"))
    return training_request()["machine_id"]


def generation(machine_id, **changes):
    counts = {"train_samples": 30, "val_samples": 10, "test_samples": 5}
    return {"machine_id": machine_id, "seed": 1} | counts | changes


def test_seed_data_is_written_and_described(machine, place, new_context):
    request = {"machine_id": machine.machine_id, "samples": 50, "seed": 1}
    result = seed_data.make(request, new_context())
    assert result["samples_generated"] == 50
    assert result["file_path"] == str(place.seed)
    assert result["file_size_mb"] == round(place.seed.stat().st_size / 1e6, 3)
    assert table.rows_of(seed_data.read(machine.machine_id)) == 50


def test_a_training_tells_its_stages_and_every_nth_epoch(
    training_request, new_context, place
):
    ctx = new_context()
    result = work.train(training_request(), ctx)
    assert [data["stage"] for *_, data in ctx.reports] == ["initializing"] + [
        "training"
    ] * 3
    assert [data["epoch"] for *_, data in ctx.reports[1:]] == [2, 4, 6]
    percents = [percent for percent, *_ in ctx.reports]
    assert percents == sorted(percents)
    assert percents[-1] < 100
    losses = json.loads((place.model / "model.json").read_text())["losses"]
    assert ctx.reports[-1][1] == f"Epoch 6/6, Loss: {losses[-1]:.4f}"
    assert (result["epochs_completed"], result["final_loss"]) == (6, losses[-1])
    assert result["model_path"] == str(place.model / "model.json")
    json.dumps(result, allow_nan=False)


@pytest.mark.parametrize("retried", [False, True])
def test_a_training_that_was_stopped_goes_on_and_ends_the_same(
    training_request, new_context, place, configured, retried
):
    configured(GAN_CHECKPOINT_INTERVAL=0)
    work.train(training_request(), new_context("whole"))
    whole = artefact.load(place.model)[2]["losses"]
    # Given a training that ended in the middle of its fourth epoch
    with pytest.raises(Cancelled):
        work.train(training_request(), new_context("lost", cancel_at(8)))
    assert place.checkpoint("lost").exists()
    # When the same job runs again, or its retry does
    again = training_request(**({"retry_of": "lost"} if retried else {}))
    result = work.train(again, new_context("again" if retried else "lost"))
    assert result["resumed_from_epoch"] == 3
    assert artefact.load(place.model)[2]["losses"] == whole
    assert not place.checkpoint("lost").exists()


def test_a_cancel_between_two_steps_leaves_the_old_model(
    trained, training_request, new_context, place
):
    with pytest.raises(Cancelled):
        work.train(training_request(), new_context("next", cancel_at(2)))
    assert artefact.load(place.model)[2]["job_id"] == "trained"


def test_three_files_are_generated_with_the_counts_asked_for(
    trained, new_context, place
):
    ctx = new_context("data-1")
    result = work.generate(generation(trained), ctx)
    stages = [data["stage"] for *_, data in ctx.reports]
    assert stages == ["initializing", "train", "val", "test"]
    rows = []
    for path in result["files_generated"]:
        with open(path, newline="") as file:
            rows.append([tuple(row) for row in csv.reader(file)][1:])
    assert [len(each) for each in rows] == [30, 10, 5]
    statistics = result["file_statistics"]
    assert [statistics[name]["rows"] for name in work.SPLITS] == [30, 10, 5]
    folder = place.synthetic("data-1")
    assert json.loads((folder / "statistics.json").read_text()) == statistics
    # One draw: no row stands in two files.
    assert not set(rows[0]) & set(rows[1])
    assert 0 <= result["column_score"] <= 1
    json.dumps(result, allow_nan=False)


def test_running_a_generation_again_gives_the_same_files(trained, new_context, place):
    def content():
        work.generate(generation(trained), new_context("data-1"))
        return (place.synthetic("data-1") / "train.csv").read_bytes()

    assert content() == content()


def test_without_seed_data_there_is_no_training(machine, new_context):
    request = {"machine_id": machine.machine_id, "epochs": 1, "seed": 0}
    with pytest.raises(NoSeedData, match=r"POST /api/gan/machines/motor_siemens_001"):
        work.train(request | {"progress_every": 1}, new_context())


def test_damaged_seed_data_is_told_as_such(training_request, new_context, place):
    place.seed.write_text("rpm,state\n1\n")
    with pytest.raises(NoSeedData, match="line 2"):
        work.train(training_request(), new_context())


def test_without_a_model_nothing_is_generated(seeded, new_context):
    with pytest.raises(NoModel):
        work.generate(generation(seeded), new_context())


def test_an_unknown_machine_has_no_telemetry(configured, new_context):
    with pytest.raises(UnknownMachine):
        seed_data.make({"machine_id": "x", "samples": 1, "seed": 0}, new_context())
