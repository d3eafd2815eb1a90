"""What the keeper tells apart; that it leaves nothing is in the conformance suite."""

import os
import signal

from harness.keeper import Keeper, belongings, kill, read_stat
from harness.wait import wait_until


def test_the_keeper_survives_signals_meant_for_the_run(process_engine):
    keeper = process_engine._keeper.process
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        os.kill(keeper.pid, signum)

    assert keeper.poll() is None
    assert os.getsid(keeper.pid) == keeper.pid


def test_at_last_it_runs_a_command(tmp_path):
    """It removes what is no process of this machine's, such as containers."""
    said = tmp_path / "said"
    keeper = Keeper("QUEUEPROOF_RUN=nobody", ("/bin/sh", "-c", f"echo last > {said}"))
    assert not said.exists()

    keeper.close()

    assert said.read_text() == "last\n"


def test_a_session_number_used_again_by_others_is_not_ours(sleeper):
    process = sleeper()

    mine = belongings({process.id.pid: process.id.start_time}, b"none")
    others = belongings({process.id.pid: process.id.start_time - 1}, b"none")

    assert set(mine) == {process.id.pid}
    assert others == {}


def test_kill_needs_pid_and_start_time(sleeper):
    process = sleeper()

    assert not kill(process.id.pid, process.id.start_time + 1)
    assert process.exit_code() is None
    assert kill(process.id.pid, process.id.start_time)
    wait_until(lambda: process.exit_code() is not None, within_s=5, what="it ends")


def test_a_name_with_brackets_and_spaces_does_not_confuse_the_reader(sleeper):
    process = sleeper(
        "import signal\n"
        "open('/proc/self/comm', 'w').write('a) S (b')\n"
        "print('up', flush=True)\n"
        "signal.pause()"
    )
    wait_until(process.command.log.read_text, within_s=10, what="it is renamed")

    assert read_stat(process.id.pid).start_time == process.id.start_time


def test_a_process_whose_first_thread_ended_is_not_gone(sleeper):
    """It still holds its sockets: what it sent may yet be served."""
    process = sleeper(
        "import ctypes, threading\n"
        "threading.Thread(target=threading.Event().wait).start()\n"
        "print('up', flush=True)\n"
        "ctypes.CDLL(None).pthread_exit(None)"
    )
    wait_until(process.command.log.read_text, within_s=10, what="it runs")
    wait_until(
        lambda: read_stat(process.id.pid).state == "D",
        within_s=10,
        what="its first thread ended",
    )

    assert kill(process.id.pid, process.id.start_time)
    wait_until(lambda: process.exit_code() is not None, within_s=5, what="it ends")
