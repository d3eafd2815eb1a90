import os
import signal
import subprocess
import sys

import pytest

from reference_app.patterns.checkpoint import Checkpoint, Saved, Superseded


@pytest.fixture
def path(tmp_path):
    return tmp_path / "jobs" / "a"


def test_nothing_saved_means_start_anew(path):
    assert Checkpoint(path, fence=1).load() is None


def test_the_next_attempt_gets_what_was_saved_byte_for_byte(path):
    data = bytes(range(256)) + b"\n\n"
    Checkpoint(path, fence=1).save(data, step=7, seed=11)
    assert Checkpoint(path, fence=2).load() == Saved(data, 7, 1, {"seed": 11})


def test_a_newer_save_replaces_an_older_one(path):
    checkpoint = Checkpoint(path, fence=1)
    for step in range(4):
        checkpoint.save(b"x" * step, step=step)
    assert checkpoint.load() == Saved(b"xxx", 3, 1, {})


@pytest.mark.parametrize("keep", [0, 1, 40, -1])
def test_a_torn_file_gives_the_one_before_it(path, keep):
    checkpoint = Checkpoint(path, fence=1)
    checkpoint.save(b"first", step=1)
    checkpoint.save(b"second", step=2)
    path.write_bytes(path.read_bytes()[:keep])
    assert checkpoint.load() == Saved(b"first", 1, 1, {})
    # And saving goes on
    checkpoint.save(b"third", step=3)
    assert checkpoint.load().data == b"third"


@pytest.mark.parametrize("old", [b'"step": 1', b"data", b"checkpoint-1"])
def test_a_file_with_a_changed_byte_counts_as_torn(path, old):
    checkpoint = Checkpoint(path, fence=1)
    checkpoint.save(b"data", step=1)
    changed = path.read_bytes().replace(old, old[:-1] + b"9")
    assert changed != path.read_bytes()
    path.write_bytes(changed)
    assert checkpoint.load() is None


def test_a_superseded_attempt_can_neither_save_nor_discard(path):
    older = Checkpoint(path, fence=1)
    older.save(b"older", step=1)
    newer = Checkpoint(path, fence=2)
    # The newer one has saved nothing yet: opening is enough.
    for late in (lambda: older.save(b"late", step=9), older.discard):
        with pytest.raises(Superseded, match="fence 1, now 2"):
            late()
    assert newer.load().data == b"older"
    newer.save(b"newer", step=2)
    with pytest.raises(Superseded):
        Checkpoint(path, fence=1)
    assert newer.load().data == b"newer"


def test_the_same_attempt_may_open_it_again(path):
    Checkpoint(path, fence=3).save(b"x", step=1)
    assert Checkpoint(path, fence=3).load().step == 1


def test_an_ended_job_leaves_nothing_but_its_fence(path):
    checkpoint = Checkpoint(path, fence=1)
    checkpoint.save(b"1", step=1)
    checkpoint.save(b"2", step=2)
    checkpoint.discard()
    assert checkpoint.load() is None
    assert [file.name for file in path.parent.iterdir()] == ["a.fence"]


def test_a_full_disk_leaves_the_last_one(path, monkeypatch):
    checkpoint = Checkpoint(path, fence=1)
    checkpoint.save(b"1", step=1)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        checkpoint.save(b"2", step=2)
    assert checkpoint.load().data == b"1"


SAVER = """
import sys
from pathlib import Path
from reference_app.patterns.checkpoint import Checkpoint
checkpoint = Checkpoint(Path(sys.argv[1]), fence=int(sys.argv[2]))
step = checkpoint.load().step if checkpoint.load() else 0
print("ready", flush=True)
while True:
    step += 1
    checkpoint.save(step.to_bytes(4, "big") * 50_000, step=step)
    print(step, flush=True)
"""


@pytest.mark.real
def test_a_process_killed_while_it_saves_loses_at_most_that_save(path):
    reached = 0
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    for attempt in range(1, 6):
        command = [sys.executable, "-c", SAVER, str(path), str(attempt)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=environment
        ) as process:
            assert process.stdout.readline() == "ready\n"
            for _ in range(attempt * 3):
                reached = int(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
            reached = int(([*process.stdout.read().split(), reached])[-2:][0])
        saved = Checkpoint(path, fence=attempt).load()
        assert saved.step in (reached, reached + 1)
        assert saved.data == saved.step.to_bytes(4, "big") * 50_000
