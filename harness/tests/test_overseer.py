"""The overseer, here without a container: a process of ours plays its init."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.engines.overseer import Overseer, _endpoint
from harness.keeper import read_stat
from harness.wait import wait_until

#: An init with a main process that has a child.
INIT = """
import os, signal
if os.fork() == 0:
    if os.fork() == 0:
        signal.pause()
    os.execv("{python}", ["{python}", "-S", "-c", "import signal; signal.pause()"])
print("up", flush=True)
signal.pause()
"""


@pytest.fixture
def init():
    code = INIT.format(python=sys.executable)
    with subprocess.Popen(
        [sys.executable, "-S", "-c", code], stdout=subprocess.PIPE
    ) as init:
        init.stdout.readline()
        yield init
        for line in reversed(watching(init).tree(NAMESPACE)):
            os.kill(line["pid"], signal.SIGKILL)
        init.kill()


NAMESPACE = str(Path("/proc/self/ns/pid").readlink())


def watching(init):
    overseer = Overseer()
    assert overseer.adopt(init.pid) == NAMESPACE
    return overseer


@pytest.fixture
def overseer(init):
    overseer = watching(init)
    wait_until(
        lambda: len(overseer.tree(NAMESPACE)) == 2, within_s=10, what="all have begun"
    )
    return overseer


def test_the_tree_is_all_below_init_the_main_process_first(overseer, init):
    main, child = overseer.tree(NAMESPACE)

    assert main["parent"] == init.pid
    assert child["parent"] == main["pid"]
    assert overseer.main(NAMESPACE)["pid"] == main["pid"]


def test_what_is_not_in_its_containers_it_neither_sees_nor_signals(overseer):
    me = [os.getpid(), read_stat(os.getpid()).start_time, NAMESPACE]

    assert overseer.state(me) is None
    assert overseer.signal(me, 0) is False
    assert overseer.memory(me) is None
    assert overseer.connections(me) == []


def test_a_forgotten_container_is_none_of_its_business(overseer):
    main = overseer.tree(NAMESPACE)[0]
    process = [main["pid"], main["start_time"], NAMESPACE]
    assert overseer.state(process) is not None

    overseer.forget(NAMESPACE)

    assert overseer.state(process) is None
    assert overseer.tree(NAMESPACE) == []


def test_who_ended_before_is_not_adopted():
    ended = subprocess.Popen([sys.executable, "-S", "-c", ""])
    ended.wait()

    assert Overseer().adopt(ended.pid) is None


def test_without_a_namespace_it_must_be_the_only_one(overseer):
    main = overseer.tree(NAMESPACE)[0]
    unnamed = [main["pid"], main["start_time"], ""]

    assert overseer.state(unnamed) not in (None, "T", "Z", "X")
    overseer._found[unnamed[0], unnamed[1], "pid:[1]"] = 1  # in a second container
    overseer._found.pop((*unnamed[:2], ""))

    assert overseer.state(unnamed) is None


def test_it_answers_line_by_line_and_tells_its_mistakes():
    requests = [{"op": "adopt", "init": 0}, {"op": "state"}, {"op": "no_such"}]
    answered = subprocess.run(
        [sys.executable, "-m", "harness.engines.overseer"],
        input="".join(json.dumps(request) + "\n" for request in requests),
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    first, second, third = map(json.loads, answered.splitlines())
    assert first == {"value": None}
    assert second["error"].startswith("TypeError: ")
    assert "no_such" in third["error"]


@pytest.mark.parametrize(
    ("kernels", "ours"),
    [
        ("0100007F:1F90", "127.0.0.1:8080"),
        ("0000000000000000FFFF00000100007F:1F90", "127.0.0.1:8080"),
        ("00000000000000000000000001000000:0050", "::1:80"),
    ],
)
def test_addresses_of_the_kernel_are_read(kernels, ours):
    assert _endpoint(kernels) == ours
