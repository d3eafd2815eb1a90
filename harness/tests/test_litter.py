"""Old files where a run of beat's looks for them, and nowhere else."""

import dataclasses
import time

import pytest

from harness.errors import TargetError
from harness.faults import Faults
from harness.target import Entry


@pytest.fixture
def littered(plain_stack, monkeypatch):
    entry = Entry(litter="{data}/old", files=3)
    target = dataclasses.replace(plain_stack.target, schedule={"clean_up": entry})
    monkeypatch.setattr(plain_stack, "target", target)
    return plain_stack


def test_old_files_are_laid_and_what_is_left_of_them_is_taken_away(littered, history):
    folder = littered.layout.data / "old"
    folder.mkdir()
    (folder / "not-ours").touch()
    with Faults(littered, history).litter("clean_up") as bit:
        laid = sorted(folder.glob("queueproof-*"))
        assert bit
        assert len(laid) == 3
        assert max(file.stat().st_mtime for file in laid) < time.time() - 86_400 * 365
        laid[0].unlink()  # as a run would

    assert [file.name for file in folder.iterdir()] == ["not-ours"]
    (told,) = history.of(source="fault", kind="injected")
    assert told["bit"] is True
    assert told["proof"] == f"3 of 3 old files are in {folder}"
    (healed,) = history.of(source="fault", kind="healed")
    assert healed["left"] == 2


def test_an_entry_that_is_not_described_is_an_error_with_the_nearest(littered, faults):
    with (
        pytest.raises(TargetError, match="did you mean 'clean_up'"),
        faults.litter("clean_pu"),
    ):
        pass
