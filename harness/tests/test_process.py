"""The process engine, on real processes."""

import os
import signal

import pytest

from harness.engines import Command, ProcessId
from harness.errors import EngineError
from harness.keeper import read_stat
from harness.wait import wait_until

FORKS = """
import os, signal, subprocess, sys
wait = "import signal; signal.pause()"
here = subprocess.Popen([sys.executable, "-S", "-c", wait])
away = subprocess.Popen([sys.executable, "-S", "-c", wait], start_new_session=True)
print(here.pid, away.pid, flush=True)
signal.pause()
"""


def pids_it_printed(engine, process, count):
    def printed():
        words = process.command.log.read_text().split()
        return [int(word) for word in words] if len(words) == count else None

    return wait_until(printed, within_s=10, what="the pids are printed")


def test_output_goes_to_the_log_and_the_exit_code_is_told(process_engine, sleeper):
    process = sleeper("print('hello'); raise SystemExit(3)")

    wait_until(lambda: process.exit_code() is not None, within_s=10, what="it ends")

    assert process.exit_code() == 3
    assert process_engine.logs(process).endswith("hello")


def test_a_command_that_does_not_exist_is_an_error_with_a_remedy(
    process_engine, tmp_path
):
    command = Command("worker", ("no-such-thing",), {}, tmp_path, tmp_path / "log")

    with pytest.raises(EngineError, match=r"worker: cannot run 'no-such-thing'"):
        process_engine.start(command)


def test_stop_asks_first(process_engine, sleeper):
    process = sleeper(
        "import signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
        "print('up', flush=True)\n"
        "signal.pause()"
    )
    wait_until(process.command.log.read_text, within_s=10, what="it is up")

    report = process_engine.stop(process, within_s=10)

    assert report.exit_code == 7
    assert report.killed == []


def test_stop_kills_what_does_not_listen(process_engine, sleeper):
    process = sleeper(
        "import signal\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('up', flush=True)\n"
        "while True: signal.pause()"
    )
    wait_until(process.command.log.read_text, within_s=10, what="it is up")

    report = process_engine.stop(process, within_s=0.1)

    assert report.exit_code == -signal.SIGKILL
    assert [killed.pid for killed in report.killed] == [process.id.pid]


def test_stop_takes_children_along_even_those_that_left_the_session(
    process_engine, sleeper
):
    process = sleeper(FORKS)
    children = pids_it_printed(process_engine, process, 2)

    process_engine.stop(process, within_s=0)

    for pid in children:
        stat = read_stat(pid)
        assert stat is None or stat.state == "Z"


def test_a_recycled_pid_is_never_a_victim(process_engine, sleeper):
    process = sleeper()
    other = ProcessId(process.id.pid, process.id.start_time - 1)

    assert not process_engine.signal(other, signal.SIGKILL)
    assert not process_engine.pause(other)
    assert process_engine.state(other) is None
    assert process_engine.memory(other) is None
    assert process.exit_code() is None


def test_a_paused_process_is_stopped_and_goes_on_when_resumed(process_engine, sleeper):
    process = sleeper()

    process_engine.pause(process.id)
    wait_until(
        lambda: process_engine.state(process.id) == "T", within_s=5, what="it stops"
    )
    process_engine.resume(process.id)

    wait_until(
        lambda: process_engine.state(process.id) == "S", within_s=5, what="it goes on"
    )


def test_a_paused_process_can_be_stopped(process_engine, sleeper):
    process = sleeper()
    process_engine.pause(process.id)

    report = process_engine.stop(process, within_s=10)

    assert report.exit_code == -signal.SIGTERM


def test_the_tree_shows_children_and_zombies(process_engine, sleeper):
    process = sleeper(
        "import os, signal\n"
        "if os.fork() == 0: os._exit(0)\n"
        "print('up', flush=True)\n"
        "signal.pause()"
    )

    def states():
        return [info.state for info in process_engine.tree(process)]

    wait_until(lambda: states() == ["S", "Z"], within_s=10, what="a zombie shows")


def test_restart_is_the_same_command_as_another_process(process_engine, sleeper):
    process = sleeper()

    again = process_engine.restart(process)
    try:
        assert again.command == process.command
        assert again.id != process.id
        assert process.exit_code() == -signal.SIGKILL
    finally:
        process_engine.stop(again, within_s=0)


def test_memory_is_told_in_mib(process_engine, sleeper):
    process = sleeper(
        "import signal\nheld = b'x' * 50 * 2**20\nprint(1, flush=True)\nsignal.pause()"
    )
    wait_until(process.command.log.read_text, within_s=10, what="it is up")

    assert 50 < process_engine.memory(process.id) < 80


def test_a_gone_process_is_gone_for_every_question(process_engine, sleeper):
    process = sleeper("pass")
    wait_until(lambda: process.exit_code() is not None, within_s=10, what="it ends")

    assert process_engine.identify(process.id.pid) is None
    assert process_engine.tree(process) == []
    assert process_engine.memory(process.id) is None
    assert not process_engine.signal(process.id, signal.SIGTERM)


def test_it_knows_itself(process_engine):
    me = process_engine.identify(os.getpid())

    assert me.start_time == read_stat(os.getpid()).start_time
