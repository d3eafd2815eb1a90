"""The proxy passes bytes on as they are, until it is told otherwise."""

import socket
import socketserver
import threading
import time

import pytest

from harness.engines.redis_server import free_port
from harness.proxy import PROBE_HOST, Proxy
from harness.traffic import MOST_WAITING
from harness.wait import wait_until


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        self.server.accepted.append(self.client_address)
        try:
            while data := self.request.recv(65_536):
                self.server.seen += data
                self.request.sendall(data)
        except ConnectionError:
            self.server.resets += 1


@pytest.fixture
def server():
    """An echo server; it knows what it has seen."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.accepted, server.seen, server.resets = [], bytearray(), 0
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy(server):
    proxy = Proxy(free_port(), server.server_address)
    yield proxy
    proxy.close()


@pytest.fixture
def dial(proxy):
    """Open a connection through the proxy; closed after the test."""
    opened = []

    def connect(host="127.0.0.1"):
        address = ("127.0.0.1", proxy.port)
        client = socket.create_connection(address, timeout=2, source_address=(host, 0))
        opened.append(client)
        return client

    yield connect
    for client in opened:
        client.close()


def says(client, text=b"hello", within_s=2.0):
    """Return what comes back for a text."""
    client.settimeout(within_s)
    client.sendall(text)
    return hears(client, len(text))


def hears(client, size):
    """Return the next `size` bytes, fewer where the connection ends before."""
    heard = b""
    while len(heard) < size:
        data = client.recv(size - len(heard))
        if not data:
            break
        heard += data
    return heard


def test_bytes_pass_both_ways_and_the_end_too(server, dial):
    client = dial()

    assert says(client) == b"hello"
    client.shutdown(socket.SHUT_WR)
    assert client.recv(1) == b""
    assert server.seen == b"hello"


def test_much_more_than_fits_in_a_buffer_arrives_whole(dial):
    client, sent = dial(), bytes(range(256)) * 4096 * 4
    client.settimeout(60)  # for all of it
    writer = threading.Thread(target=client.sendall, args=(sent,))
    writer.start()
    heard = hears(client, len(sent))
    writer.join()

    assert heard == sent


def test_who_does_not_read_is_not_read_from(server, proxy, dial):
    client = dial()
    client.settimeout(0.2)

    with pytest.raises(TimeoutError):
        client.sendall(bytes(200 * MOST_WAITING))

    assert len(server.seen) < 100 * MOST_WAITING


def test_only_the_parts_own_connections_count(proxy, dial):
    says(dial())
    says(dial(PROBE_HOST))

    assert proxy.served == 1


def test_a_black_hole_keeps_connections_open_and_loses_bytes(server, proxy, dial):
    client = dial()
    says(client)

    proxy.swallow(True)
    with pytest.raises(TimeoutError):
        says(client, b"lost", 0.1)
    with pytest.raises(TimeoutError):
        says(dial(), b"lost too", 0.1)
    proxy.swallow(False)

    assert server.seen == b"hello"
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    assert says(dial()) == b"hello"


def test_a_connection_that_lost_nothing_survives_a_black_hole(proxy, dial):
    client = dial()
    says(client)

    proxy.swallow(True)
    proxy.swallow(False)

    assert says(client) == b"hello"


def test_without_answers_only_what_the_server_says_is_lost(server, proxy, dial):
    client = dial()
    says(client)

    proxy.deafen(True)
    with pytest.raises(TimeoutError):
        says(client, b", lost", 0.1)
    with pytest.raises(TimeoutError):
        says(dial(), b" alike", 0.1)
    proxy.deafen(False)

    wait_until(
        lambda: server.seen == b"hello, lost alike", within_s=5, what="it is told all"
    )
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    assert says(dial()) == b"hello"


def test_an_end_in_a_black_hole_is_not_told(server, proxy, dial):
    client = dial()
    says(client)

    proxy.swallow(True)
    client.close()
    assert server.resets == 0
    proxy.swallow(False)

    wait_until(lambda: server.resets == 1, within_s=5, what="the server is told")


def test_refused_is_refused_at_once_and_welcome_after(proxy, dial):
    client = dial()
    says(client)

    proxy.refuse(True)
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            dial()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", proxy.port))
    proxy.refuse(False)

    assert says(dial()) == b"hello"


def test_a_slow_link_is_late_both_ways_and_keeps_the_order(proxy, dial):
    client = dial()
    says(client)

    proxy.delay(0.1)
    begin = time.monotonic()
    client.sendall(b"one ")
    client.sendall(b"two")
    assert hears(client, 4) == b"one "
    assert time.monotonic() - begin >= 0.2
    assert hears(client, 3) == b"two"


def test_a_healed_slow_link_delivers_at_once_what_waited(proxy, dial):
    client = dial()
    proxy.delay(60.0)
    client.sendall(b"waits")

    with pytest.raises(TimeoutError):
        says(client, b" long", 0.1)
    proxy.delay(0.0)

    client.settimeout(2)
    assert hears(client, 10) == b"waits long"


def test_a_reset_ends_the_open_and_takes_new_ones(proxy, dial):
    client = dial()
    says(client)

    proxy.reset()

    with pytest.raises(ConnectionResetError):
        client.recv(1)
    assert says(dial()) == b"hello"


def test_a_server_that_is_away_resets_its_clients(proxy, dial):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        proxy.lead(nobody.getsockname())

        with pytest.raises(ConnectionResetError):
            says(dial())


def test_a_closed_proxy_frees_its_port(proxy, dial):
    client = dial()
    says(client)

    proxy.close()
    proxy.close()

    with pytest.raises(ConnectionResetError):
        client.recv(1)
    with pytest.raises(ConnectionRefusedError):
        dial()


class Scripted:
    """Loses what it is told: stalls in seconds, None for a lost connection."""

    def __init__(self, *stalls):
        self.stalls = list(stalls)

    def stall_s(self, *, first=False):
        return self.stalls.pop(0) if self.stalls and not first else 0.0


def test_what_comes_behind_a_lost_packet_waits_for_it(proxy, dial):
    client = dial()
    says(client)
    proxy.lose(Scripted(0.3))

    begin = time.monotonic()
    client.sendall(b"lost ")
    client.sendall(b"behind")
    assert hears(client, 11) == b"lost behind"
    assert 0.3 <= time.monotonic() - begin < 3


def test_a_packet_lost_too_often_resets_the_connection(proxy, dial):
    client = dial()
    says(client)
    proxy.lose(Scripted(None))

    with pytest.raises(ConnectionResetError):
        says(client)
    proxy.lose(None)
    assert says(dial()) == b"hello"


def test_what_waits_for_a_lost_packet_is_delivered_at_the_end(proxy, dial):
    client = dial()
    says(client)
    proxy.lose(Scripted(60.0))
    client.sendall(b"hello")
    with pytest.raises(TimeoutError):
        says(client, within_s=0.1)

    proxy.lose(None)

    client.settimeout(2)
    assert hears(client, 10) == b"hellohello"
