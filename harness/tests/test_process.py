"""What only the process engine has; what all have is in the conformance suite."""

import os

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


def test_stop_takes_children_along_even_orphans_that_left_the_session(
    process_engine, sleeper
):
    process = sleeper(FORKS)

    def printed():
        words = process.command.log.read_text().split()
        return [int(word) for word in words] if len(words) == 2 else None

    children = wait_until(printed, within_s=10, what="the pids are printed")
    process_engine.signal(process.id, 9)
    wait_until(lambda: process.exit_code() == -9, within_s=10, what="its main is gone")

    report = process_engine.stop(process, within_s=0)

    assert {killed.pid for killed in report.killed} == set(children)
    for pid in children:
        stat = read_stat(pid)
        assert stat is None or stat.state == "Z"


def test_it_knows_itself(process_engine):
    me = process_engine.identify(os.getpid())

    assert me.start_time == read_stat(os.getpid()).start_time
    assert process_engine.state(me) in "RS"


def test_parts_of_all_stacks_share_the_loopback(process_engine):
    site = process_engine.open_site()

    assert site.host("redis") == site.harness == site.listen == "127.0.0.1"
    assert site.environ is os.environ
