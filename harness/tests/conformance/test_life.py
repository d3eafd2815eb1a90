"""Start, stop, restart, output and exit codes."""

import signal

import pytest

from harness.errors import EngineError
from harness.probes.processes import is_gone
from harness.wait import wait_until

SAYS_UP = "import signal; print('up', flush=True); "


def await_up(process):
    wait_until(process.command.log.read_text, within_s=15, what="it is up")


def await_end(process):
    wait_until(lambda: process.exit_code() is not None, within_s=15, what="it ends")


def test_output_is_in_the_log_and_the_exit_code_is_told(engine, start):
    process = start("import sys; print('hello'); sys.exit('and an error')")

    await_end(process)

    assert process.exit_code() == 1
    assert "hello" in engine.logs(process)
    assert "and an error" in engine.logs(process)


def test_logs_can_be_read_while_it_lives(engine, start):
    process = start(SAYS_UP + "signal.pause()")

    wait_until(lambda: "up" in engine.logs(process), within_s=15, what="it is told")

    assert process.exit_code() is None


@pytest.mark.parametrize("code", [0, 3, 120])
def test_an_exit_code_is_its_own(start, code):
    process = start(f"raise SystemExit({code})")

    await_end(process)

    assert process.exit_code() == code


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_a_death_by_signal_is_its_negative(engine, start, signum):
    process = start()

    assert engine.signal(process.id, signum)
    await_end(process)

    assert process.exit_code() == -signum


def test_a_command_that_does_not_exist_is_an_error_with_a_remedy(start):
    with pytest.raises(EngineError, match=r"worker: cannot run 'no-such-thing'"):
        start(role="worker", argv=("no-such-thing",))


def test_a_command_that_dies_at_once_has_an_exit_code_and_a_log(engine, start):
    process = start("raise SystemExit('sorry')", role="worker")

    await_end(process)

    assert process.exit_code() == 1
    assert "sorry" in engine.logs(process)
    assert engine.tree(process) == []


def test_stop_asks_first(engine, start):
    process = start(
        "import sys\n"
        "import signal\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
        "print('up', flush=True)\n"
        "signal.pause()"
    )
    await_up(process)

    report = engine.stop(process, within_s=15)

    assert report.exit_code == 7
    assert report.killed == []


def test_stop_kills_what_does_not_listen_and_names_it(engine, start):
    process = start(
        "import signal\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('up', flush=True)\n"
        "while True: signal.pause()"
    )
    await_up(process)

    report = engine.stop(process, within_s=0.1)

    assert report.exit_code == -signal.SIGKILL
    assert report.killed == [process.id]


def test_stop_takes_along_all_it_started(engine, start):
    process = start(
        "import signal, subprocess, sys\n"
        "wait = 'import signal; signal.pause()'\n"
        "for away in (False, True):\n"
        "    subprocess.Popen([sys.executable, '-S', '-c', wait],"
        " start_new_session=away)\n"
        "signal.pause()"
    )
    wait_until(lambda: len(engine.tree(process)) == 3, within_s=15, what="all run")
    tree = engine.tree(process)

    engine.stop(process, within_s=0)

    assert all(is_gone(engine, info.id) for info in tree)
    assert engine.tree(process) == []


def test_to_stop_twice_is_harmless(engine, start):
    process = start()

    first = engine.stop(process, within_s=15)
    second = engine.stop(process, within_s=15)

    assert first.exit_code == second.exit_code == -signal.SIGTERM


def test_a_restart_is_the_same_command_as_another_process(engine, start):
    process = start()

    again = engine.restart(process)
    try:
        assert again.command == process.command
        assert again.id != process.id
        assert process.exit_code() == -signal.SIGKILL
        assert again.exit_code() is None
    finally:
        engine.stop(again, within_s=0)


def test_what_a_process_wrote_to_its_folder_is_there_after_a_restart(
    engine, start, tmp_path
):
    process = start(
        "import signal\nopen('runs', 'a').write('once ')\n"
        "print('up', flush=True)\nsignal.pause()"
    )
    await_up(process)
    again = engine.restart(process)
    try:
        wait_until(
            lambda: (tmp_path / "runs").read_text() == "once once ",
            within_s=15,
            what="it ran twice in one folder",
        )
    finally:
        engine.stop(again, within_s=0)


def test_a_pipe_carries_lines_both_ways(engine, start):
    process = start(
        "import sys\n"
        "print('to the log', file=sys.stderr, flush=True)\n"
        "for line in sys.stdin: print(line.strip()[::-1], flush=True)",
        pipe=True,
    )
    for word in (b"hello", b"x" * 100_000, b"again"):
        process.stdin.write(word + b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == word[::-1] + b"\n"
    wait_until(
        lambda: "to the log" in engine.logs(process), within_s=15, what="it is logged"
    )
    assert "hello" not in engine.logs(process)
