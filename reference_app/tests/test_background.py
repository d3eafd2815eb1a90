import os
import signal
import subprocess
import sys

import pytest

from reference_app import pidfile
from reference_app.background import Background, BackgroundError
from reference_app.patterns.cancel import process_start

#: Lives until it is told to end.
IDLE = [sys.executable, "-c", "import signal; signal.pause()"]
STUBBORN = [
    *(sys.executable, "-c"),
    "import signal; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True)\n"
    "while True: signal.pause()",
]


@pytest.fixture
def background(tmp_path):
    found = Background(tmp_path / "run", "worker")
    yield found
    found.stop(within_s=0)


def test_a_process_runs_until_it_is_stopped(background):
    background.start(IDLE)
    keeper, process = background.running()
    assert background.stop(within_s=10)
    assert background.running() == []
    assert not background.pid_file.exists()
    assert process_start(keeper) is process_start(process) is None
    assert not background.stop(within_s=0)


def test_a_process_that_ends_unasked_runs_again(background, until):
    background.start(IDLE)
    keeper, process = background.running()
    os.kill(process, signal.SIGKILL)
    until(lambda: background.running() == [keeper], "it is gone")
    until(lambda: len(background.running()) == 2, "it runs again", 5)
    again = background.running()
    assert again[0] == keeper
    assert again[1] != process
    assert "ended with -9: again in 0.5 s" in background.log.read_text()


def test_a_second_start_is_refused_and_changes_nothing(background):
    background.start(IDLE)
    before = background.running()
    with pytest.raises(BackgroundError, match="worker runs already"):
        background.start(IDLE)
    assert background.running() == before


def test_a_process_that_lost_its_keeper_is_replaced(background, until):
    background.start(IDLE)
    keeper, orphan = background.running()
    os.kill(keeper, signal.SIGKILL)
    until(lambda: background.running() == [orphan], "the keeper is gone")
    background.start(IDLE)
    assert len(background.running()) == 2
    assert orphan not in background.running()


def test_one_that_does_not_listen_is_killed_in_time(background, until):
    background.start(STUBBORN)
    until(lambda: "deaf" in background.log.read_text(), "it does not listen")
    assert background.stop(within_s=0.5)
    assert background.running() == []


def test_a_stale_pid_file_is_no_obstacle(background):
    background.pid_file.parent.mkdir()
    background.pid_file.write_text(f"{os.getpid()} 1\n{os.getpid()} 2\n")
    background.start(IDLE)
    assert len(background.running()) == 2


@pytest.mark.feature("S0-30")
def test_a_killed_worker_consumes_again(configured, sleepers, until, tmp_path):
    def reference_app(*arguments):
        command = [sys.executable, "-m", "reference_app", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode

    # Given a worker in the background that runs tasks
    options = ("-Q", "llmctl_studio", "-I", "reference_app.tests.sleepers")
    assert reference_app("start", "worker", "--", *options) == 0
    try:
        first = sleepers.send(1)
        sleepers.wake(*first)
        until(lambda: sleepers.ended() == first, "it runs a task")
        # When its main process is killed
        _, main = pidfile.living(tmp_path / "run" / "worker.pid")
        os.kill(main, signal.SIGKILL)
        # A message sent before Redis knows is popped for the dead connection.
        until(lambda: sleepers.consumers() == 0, "Redis knows")
        # Then it is back and runs the next one
        second = sleepers.send(1)
        sleepers.wake(*second)
        until(lambda: sleepers.ended() == first + second, "it runs the next")
        assert reference_app("running", "worker") == 0
    finally:
        assert reference_app("stop", "worker", "--within", "10") == 0
    assert reference_app("running", "worker") == 1
