"""How parts reach each other and the harness, and how the harness reaches them."""

import socket
import threading

import redis

from harness.engines.redis_server import free_port, redis_command
from harness.links import Links
from harness.probes.connections import held, listed
from harness.wait import wait_until

DIALS = """
import socket, signal
connected = socket.create_connection(({host!r}, {port}), timeout=10)
print(connected.recv(100).decode(), flush=True)
signal.pause()
"""

CLIENT = """
import socket, signal
connected = socket.create_connection(({host!r}, {port}), timeout=10)
connected.sendall(b"PING\\r\\n")
print(connected.recv(100).decode(), flush=True)
signal.pause()
"""


def said(process):
    return wait_until(process.command.log.read_text, within_s=15, what="it has spoken")


def start_redis(engine, site, folder):
    folder.chmod(0o777)
    port = free_port()
    process = engine.start(redis_command(engine.redis_server, port, folder, site))
    client = redis.Redis(port=port, socket_timeout=1)

    def answers():
        try:
            return client.ping()
        except redis.RedisError:
            return False

    wait_until(answers, within_s=15, what="redis answers")
    return process, port, client, answers


def test_a_part_reaches_the_harness(site, start):
    with socket.create_server((site.harness, 0)) as server:

        def greet():
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"welcome")

        thread = threading.Thread(target=greet)
        thread.start()
        code = DIALS.format(host=site.harness, port=server.getsockname()[1])

        assert said(start(code, site=site)) == "welcome\n"
        thread.join()


def test_redis_keeps_port_and_data_when_it_is_started_again(engine, site, tmp_path):
    process, port, client, answers = start_redis(engine, site, tmp_path)
    try:
        client.set("kept", "yes")
        process = engine.restart(process)
        wait_until(answers, within_s=15, what="redis answers again")

        assert client.get("kept") == b"yes"
        assert client.connection_pool.connection_kwargs["port"] == port
    finally:
        client.close()
        engine.stop(process, within_s=0)


def test_a_stopped_redis_refuses_at_once(engine, site, tmp_path):
    process, port, client, _ = start_redis(engine, site, tmp_path)
    client.close()

    engine.stop(process, within_s=0)

    refused = socket.socket()
    with refused:
        refused.settimeout(2)
        assert refused.connect_ex(("127.0.0.1", port)) == 111


def test_a_part_is_connected_by_name_and_redis_lists_its_address(
    engine, site, start, tmp_path
):
    process, port, client, _ = start_redis(engine, site, tmp_path)
    try:
        part = start(CLIENT.format(host=site.host("redis"), port=port), site=site)
        assert "PONG" in said(part)

        (address,) = held(engine, part, port)

        lines = listed(f"redis://127.0.0.1:{port}/0")
        assert address in {line["addr"] for line in lines}
    finally:
        client.close()
        engine.stop(process, within_s=0)


def test_a_link_leads_a_part_to_redis_and_after_a_restart_again(
    engine, site, start, tmp_path
):
    process, port, client, answers = start_redis(engine, site, tmp_path)
    links = Links(["worker"])
    links.open((process.address, port), site.harness)
    proxy = links.proxy("worker")
    code = CLIENT.format(host=site.harness, port=proxy.port)
    try:
        assert "PONG" in said(start(code, role="worker", site=site))
        lines = listed(f"redis://127.0.0.1:{port}/0")
        assert proxy.dialled() <= {line["addr"] for line in lines}
        assert len(proxy.dialled()) == 1

        process = engine.restart(process)
        links.lead((process.address, port))
        wait_until(answers, within_s=15, what="redis answers again")

        assert "PONG" in said(start(code, role="worker", site=site))
        assert proxy.served == 2
    finally:
        links.close()
        client.close()
        engine.stop(process, within_s=0)
