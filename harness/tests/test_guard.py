"""The guard: what it lets through, what it refuses, and what it says."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from harness import witness_site
from harness.witness_site.queueproof_guard import Guard, OutsideStack

SITE = Path(witness_site.__file__).parent
HERE = Path(__file__).name


@pytest.fixture
def tcp():
    with socket.socket() as made:
        yield made


def guard(allowed=""):
    refused = []
    return Guard(allowed, "worker", lambda **fields: refused.append(fields)), refused


@pytest.mark.parametrize(
    "address",
    [
        ("127.0.0.1", 6379),
        ("127.8.9.10", 1),
        ("localhost", 6379),
        ("", 80),
        ("0.0.0.0", 80),
        ("::1", 80, 0, 0),
        ("::ffff:127.0.0.1", 80, 0, 0),
        (b"127.0.0.1", 80),
        "/run/a.sock",
        None,
    ],
)
def test_this_machine_alone_is_always_fine(tcp, address):
    watching, refused = guard()

    watching.check(tcp, address)

    assert refused == []


@pytest.mark.parametrize(
    ("allowed", "address"),
    [
        ("10.1.2.3", ("10.1.2.3", 5432)),
        ("a.b, 10.1.0.0/16", ("10.1.2.3", 5432)),
        ("fd00::/8", ("fd00::7%1", 5432, 0, 1)),
        ("DB.internal", ("db.internal", 5432)),
        ("localhost", ("127.0.0.1", 1)),
    ],
)
def test_what_is_allowed_is_fine(tcp, allowed, address):
    watching, refused = guard(allowed)

    watching.check(tcp, address)
    watching.check(tcp, address)

    assert refused == []


@pytest.mark.parametrize(
    "address",
    [
        ("10.1.2.3", 5432),
        ("10.2.0.1", 53),
        ("255.255.255.255", 9),
        ("<broadcast>", 9),
        ("fd00::7", 5432, 0, 0),
        ("::ffff:10.1.2.3", 5432, 0, 0),
    ],
)
def test_any_other_address_is_refused(tcp, address):
    watching, refused = guard("10.9.0.0/16,127.0.0.1")

    with pytest.raises(OutsideStack, match=r"worker tried to reach .*allow_hosts"):
        watching.check(tcp, address)

    assert refused[0]["port"] == address[1]


def test_a_refusal_names_host_port_and_the_line_of_the_caller(tcp):
    watching, refused = guard()
    watching._remember("db.internal", 5432)

    with pytest.raises(OSError, match="worker tried to reach") as caught:
        watching.check(tcp, ("10.1.2.3", 5432))

    (told,) = refused
    assert (told["host"], told["port"]) == ("10.1.2.3", 5432)
    assert (told["part"], told["name"]) == ("worker", "db.internal")
    assert HERE in told["site"]
    assert f"10.1.2.3:5432 (db.internal) from {told['site']}" in str(caught.value)
    assert 'allow_hosts = ["db.internal"]' in str(caught.value)


def test_a_refusal_is_told_once_per_line_and_raised_each_time(tcp):
    watching, refused = guard()

    for _ in range(3):
        with pytest.raises(OutsideStack):
            watching.check(tcp, ("10.1.2.3", 5432))

    assert len(refused) == 1


def test_other_families_of_sockets_are_none_of_its_business():
    watching, refused = guard()
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW) as netlink:
        watching.check(netlink, (0, 0))

    assert refused == []


def test_the_machines_own_resolver_may_be_asked(tcp, tmp_path, monkeypatch):
    from harness.witness_site import queueproof_guard

    (tmp_path / "resolv.conf").write_text("# x\nnameserver 10.0.0.2\n")
    monkeypatch.setattr(
        queueproof_guard, "RESOLVER_FILE", str(tmp_path / "resolv.conf")
    )
    watching, _ = guard()

    watching.check(tcp, ("10.0.0.2", 53))
    with pytest.raises(OutsideStack):
        watching.check(tcp, ("10.0.0.3", 53))
    with pytest.raises(OutsideStack):
        guard()[0].check(tcp, ("10.0.0.2", 5432))


def a_process(code, **env):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(SITE), **env},
        capture_output=True,
        text=True,
        check=False,
    )


#: Addresses to which the kernel itself lets no packet go, TCP to multicast and UDP to
#: everybody: nothing leaves the machine, refused or not.
CALLS = {
    "connect": "socket.socket().connect(('224.0.0.99', 5432))",
    "connect_ex": "socket.socket().connect_ex(('224.0.0.99', 5432))",
    "library": "socket.create_connection(('224.0.0.99', 5432), timeout=1)",
    "asyncio": "asyncio.run(asyncio.open_connection('224.0.0.99', 5432))",
    "sendto": "socket.socket(type=2).sendto(b'', ('255.255.255.255', 5432))",
    "sendmsg": "socket.socket(type=2).sendmsg([], [], 0, ('255.255.255.255', 5432))",
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_a_process_of_a_stack_is_guarded(call):
    done = a_process(f"import asyncio, socket; {call}", QUEUEPROOF_ALLOWED_HOSTS="")

    assert "OutsideStack: [Errno 13] a process tried to reach 2" in done.stderr
    assert "5432 from <string>" not in done.stderr


def test_a_process_outside_a_stack_is_not_guarded():
    done = a_process("import sys; print('queueproof_guard' in sys.modules)")

    assert done.stdout.strip() == "False"


COST = """
import socket, sys, timeit

def cost(code, **names):
    return min(timeit.repeat(code, globals=names, number=2000, repeat=5)) / 2000
other = cost("emit('queueproof.nothing')", emit=sys.audit)
connect = cost("emit('socket.connect', s, a)", emit=sys.audit, s=socket.socket(),
               a=("127.0.0.1", 6379))
print(other * 1e6, connect * 1e6)
"""


def test_it_costs_a_connection_less_than_10_microseconds():
    done = a_process(COST, QUEUEPROOF_ALLOWED_HOSTS="127.0.0.1")

    other_us, connect_us = map(float, done.stdout.split())
    assert other_us < 5
    assert connect_us < 10
