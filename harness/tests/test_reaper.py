"""Whose remains are removed: those of the certainly dead."""

import http.server
import json
import os
import socketserver
import subprocess
import sys
import threading

import pytest

from harness.engines.reaper import OWNER_LABEL, is_dead, owner, reap
from harness.engines.remains import Remains

PID, START, BOOT, *NAMESPACE = owner().split(":")
NAMESPACE = ":".join(NAMESPACE)


def label(pid=PID, start=START, boot=BOOT, namespace=NAMESPACE):
    return f"{pid}:{start}:{boot}:{namespace}"


@pytest.fixture
def ended():
    """The pid of a process that is gone."""
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    process.wait()
    return process.pid


def test_what_is_ours_is_not_dead():
    assert owner() == label()
    assert not is_dead(owner(), running=True)
    assert not is_dead(owner(), running=False)


def test_an_owner_that_ended_is_dead(ended):
    assert is_dead(label(pid=ended), running=True)


def test_an_owner_whose_pid_was_given_to_another_is_dead():
    assert is_dead(label(start=int(START) - 1), running=True)


def test_of_another_pid_namespace_nothing_is_certain(ended):
    assert not is_dead(label(pid=ended, namespace="pid:[1]"), running=False)


def test_of_another_boot_only_what_does_not_run_is_dead():
    assert is_dead(label(boot="another"), running=False)
    assert not is_dead(label(boot="another"), running=True)


@pytest.mark.parametrize("text", ["", "x", "1:2:3", "a:b:c:d"])
def test_a_label_we_did_not_write_is_left_alone(text):
    assert not is_dead(text, running=False)


class Docker(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """The part of Docker's API that is used, over a socket, as Docker has it."""

    def __init__(self, path):
        super().__init__(str(path), Answer)
        self.containers, self.networks, self.asked = [], [], []


class Answer(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        """Say nothing."""

    def address_string(self):
        return "unix"

    def do_GET(self):
        self.server.asked.append(self.path)
        listed = "containers" if self.path.startswith("/containers") else "networks"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(getattr(self.server, listed)).encode())

    def do_DELETE(self):
        self.server.asked.append(self.path)
        kind, id = self.path.partition("?")[0].strip("/").split("/")
        listed = getattr(self.server, kind)
        listed[:] = [each for each in listed if each["Id"] != id]
        self.send_response(204)
        self.end_headers()


@pytest.fixture
def docker(tmp_path):
    with Docker(tmp_path / "s") as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def made(id, owner):
    return {"Id": id, "Labels": {OWNER_LABEL: owner}, "State": "running"}


def test_the_dead_are_reaped_and_the_living_stay(docker, ended):
    docker.containers += [made("mine", owner()), made("dead", label(pid=ended))]
    docker.networks += [made("gone", label(pid=ended)), made("used", owner())]

    assert reap(docker.server_address) == 2

    assert [each["Id"] for each in docker.containers] == ["mine"]
    assert [each["Id"] for each in docker.networks] == ["used"]
    assert OWNER_LABEL in docker.asked[0]


def test_at_the_end_all_with_the_label_goes(docker):
    docker.containers += [made(str(n), owner()) for n in range(3)]
    docker.networks += [made("n", owner())]

    Remains(docker.server_address, "queueproof.run=x").remove_all()

    assert docker.containers == docker.networks == []
    assert any("force=1" in asked for asked in docker.asked)


def test_no_daemon_is_an_error(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        reap(str(tmp_path / "nobody"))


def test_the_keeper_can_run_it_without_us(docker):
    """Alone, as a script, with nothing but the standard library."""
    from harness.engines import remains

    docker.containers += [made("left", owner())]

    subprocess.run(
        [sys.executable, "-S", "-E", remains.__file__, docker.server_address, "a=b"],
        check=True,
        cwd="/",
        env={"PATH": os.environ["PATH"]},
    )

    assert docker.containers == []
