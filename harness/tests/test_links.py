import socket

import pytest

from harness.errors import StackError
from harness.launch import Launcher, Layout, Urls
from harness.links import Links
from harness.target import Target


def test_a_part_without_a_link_is_told_how_to_get_one():
    with pytest.raises(StackError, match=r'links = \["beat"\] to target\.toml'):
        Links(["worker"]).proxy("beat")


def test_each_role_has_a_port_of_its_own_until_the_end():
    links = Links(["worker", "api"])
    with socket.create_server(("127.0.0.1", 0)) as server:
        links.open(server.getsockname())
        try:
            assert len(set(links.ports.values())) == 2
            for port in links.ports.values():
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
        finally:
            links.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", links.ports["api"]), timeout=1)


def test_only_the_linked_part_is_sent_through_the_proxy(tmp_path):
    target = Target(
        "a:b",
        commands={"worker": "w {broker} {port}", "beat": "b {broker}"},
        env={"EVENTS": "{events}"},
    )
    urls = Urls.on_ports(1, 2)
    launcher = Launcher(target, urls, Layout.new(tmp_path), None, True, {"worker": 9})

    worker, beat = launcher.deployed("worker"), launcher.deployed("beat")

    assert worker.argv == ("w", "redis://127.0.0.1:9/0", "2")
    assert worker.env["CELERY_RESULT_BACKEND"] == "redis://127.0.0.1:9/1"
    assert worker.env["EVENTS"] == "redis://127.0.0.1:9/2"
    assert beat.argv == ("b", "redis://127.0.0.1:1/0")
    assert beat.env["EVENTS"] == urls.events
