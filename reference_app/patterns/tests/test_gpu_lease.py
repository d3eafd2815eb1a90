import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from reference_app.patterns.gpu_lease import DeviceBusy, holders, lease


class Cancelled(BaseException):
    """The job is not wanted any more."""


def test_a_place_is_held_and_given_back(tmp_path):
    with lease(tmp_path, "gpu0", holder="job a") as number:
        assert number == 0
        assert holders(tmp_path, "gpu0") == {0: f"job a in pid {os.getpid()}"}
    assert holders(tmp_path, "gpu0") == {}


def test_no_more_than_the_declared_number_at_once(tmp_path):
    with lease(tmp_path, "gpu0", slots=2, holder="a") as first:
        with lease(tmp_path, "gpu0", slots=2, holder="b") as second:
            assert {first, second} == {0, 1}
            busy = lease(tmp_path, "gpu0", slots=2, within_s=0)
            with pytest.raises(DeviceBusy, match=r"gpu0 \(2 at once\).*a in.*b in"):
                busy.__enter__()
        with lease(tmp_path, "gpu0", slots=2, within_s=0):
            pass


def test_devices_do_not_share_places(tmp_path):
    with lease(tmp_path, "gpu0"), lease(tmp_path, "gpu1", within_s=0):
        pass


def test_an_error_in_the_job_gives_the_place_back(tmp_path):
    with pytest.raises(KeyError), lease(tmp_path, "gpu0"):
        raise KeyError
    assert holders(tmp_path, "gpu0") == {}


def test_the_wait_is_bounded(tmp_path):
    with lease(tmp_path, "gpu0"):
        begun_s = time.monotonic()
        busy = lease(tmp_path, "gpu0", within_s=0.3)
        with pytest.raises(DeviceBusy, match=r"after 0\.3 s"):
            busy.__enter__()
        assert 0.3 <= time.monotonic() - begun_s < 20


def test_a_cancel_ends_the_wait(tmp_path):
    asked = []

    def check():
        asked.append(True)
        if len(asked) == 3:
            raise Cancelled

    with lease(tmp_path, "gpu0"):
        busy = lease(tmp_path, "gpu0", check=check, every_s=0.01)
        with pytest.raises(Cancelled):
            busy.__enter__()
    assert len(asked) == 3


def test_a_signal_ends_the_wait(tmp_path):
    def handler(number, frame):
        raise Cancelled

    previous = signal.signal(signal.SIGALRM, handler)
    try:
        with lease(tmp_path, "gpu0"):
            busy = lease(tmp_path, "gpu0", every_s=20)
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            begun_s = time.monotonic()
            with pytest.raises(Cancelled):
                busy.__enter__()
            assert time.monotonic() - begun_s < 5
    finally:
        signal.signal(signal.SIGALRM, previous)


def test_a_device_that_nobody_may_use_is_refused(tmp_path):
    nobody = lease(tmp_path, "gpu0", slots=0)
    with pytest.raises(ValueError, match="slots=0"):
        nobody.__enter__()


HOLDER = """
import os, sys
from pathlib import Path
from reference_app.patterns.gpu_lease import lease
with lease(Path(sys.argv[1]), "gpu0", holder="job of a child"):
    if sys.argv[2] == "forks" and os.fork() == 0:
        print(os.getpid(), flush=True)
    elif sys.argv[2] != "forks":
        print(os.getpid(), flush=True)
    sys.stdin.read()
"""


@contextmanager
def holder(folder, kind):
    command = [sys.executable, "-c", HOLDER, str(folder), kind]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment) as process:
        pid = int(process.stdout.readline())
        try:
            yield process, pid
        finally:
            process.kill()


def test_the_place_of_a_killed_process_is_free_at_once(tmp_path):
    with holder(tmp_path, "alone") as (process, pid):
        assert holders(tmp_path, "gpu0") == {0: f"job of a child in pid {pid}"}
        process.kill()
        process.wait(10)
        with lease(tmp_path, "gpu0", within_s=0):
            pass


def test_an_orphan_that_may_sit_on_the_device_keeps_the_place(tmp_path):
    with holder(tmp_path, "forks") as (process, orphan):
        process.kill()
        process.wait(10)
        busy = lease(tmp_path, "gpu0", within_s=0)
        with pytest.raises(DeviceBusy):
            busy.__enter__()
        os.kill(orphan, signal.SIGKILL)
        with lease(tmp_path, "gpu0", within_s=10):
            pass


RACER = """
import os, sys
from pathlib import Path
from reference_app.patterns.gpu_lease import lease
folder = Path(sys.argv[1])
for _ in range(25):
    with lease(folder, "gpu0", slots=2, every_s=0.001) as number:
        inside = folder / f"inside-{number}"
        inside.touch(exist_ok=False)  # raises if another is in this place
        inside.unlink()
print("done")
"""


def test_of_many_processes_never_two_are_in_one_place(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", RACER, str(tmp_path)]
    racers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
        for _ in range(6)
    ]
    assert [racer.communicate(timeout=60)[0] for racer in racers] == [b"done\n"] * 6
