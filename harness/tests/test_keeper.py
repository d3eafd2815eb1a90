"""SIGKILL of the test run leaves nothing behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from harness.keeper import belongings, kill, read_stat
from harness.wait import wait_until

#: Starts a stack as pytest would, says so, and waits for its death.
OWNER = """
import sys, threading
from pathlib import Path
from harness.engines.process import ProcessEngine
from harness.stack import Stack
from harness.target import load

engine = ProcessEngine()
stack = Stack(load(sys.argv[1]), engine, Path(sys.argv[2])).start()
stack.process("worker")
stack.restart("worker")
stack.agent.probe("spawn_child", seconds=600, queue="plain")
print(engine.run_token, flush=True)
threading.Event().wait()
"""


def marked(token):
    return belongings({}, f"QUEUEPROOF_RUN={token}".encode())


def test_a_killed_run_leaves_no_process_within_ten_seconds(tmp_path):
    target = Path(__file__).parent / "apps" / "target.toml"
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(target), str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    with owner:
        try:
            token = owner.stdout.readline().strip()
            # redis, agent, worker, its child, and the process the task started
            wait_until(lambda: len(marked(token)) >= 5, within_s=20, what="all are up")
        finally:
            owner.kill()

    wait_until(lambda: not marked(token), within_s=10, what="nothing is left")


def test_the_keeper_survives_signals_meant_for_the_run(process_engine):
    keeper = process_engine._keeper.process
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        os.kill(keeper.pid, signum)

    assert keeper.poll() is None
    assert os.getsid(keeper.pid) == keeper.pid


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


def test_a_run_ends_with_the_process_that_owns_it(tmp_path):
    """SIGKILL of make: pytest would go on, but its keeper watches make."""
    target = Path(__file__).parent / "apps" / "target.toml"
    make = subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1)
    run = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(target), str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "QUEUEPROOF_OWNER_PID": str(make.pid)},
    )
    with make, run:
        token = run.stdout.readline().strip()
        make.kill()
        wait_until(lambda: run.poll() is not None, within_s=10, what="the run ended")

    wait_until(lambda: not marked(token), within_s=10, what="nothing is left")


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
