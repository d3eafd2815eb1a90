"""Redis is gone for a while, takes no writes, or has forgotten all it knew."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import redis as client

from harness.engines import LOOPBACK
from harness.faults.record import Victim, injected, main_of
from harness.probes.redis import why_down
from harness.recorder import Recorder
from harness.stack import Stack


@contextmanager
def stopped(
    stack: Stack, history: Recorder, *, fault: str = "redis_stop"
) -> Iterator[Victim | None]:
    """SIGKILL Redis while the body runs; proof is a PING that fails."""
    victim = main_of(stack, "redis")
    try:
        if victim is not None:
            stack.engine.signal(victim.id, signal.SIGKILL)
        proof = why_down(stack.urls.broker)
        bit = victim is not None and proof is not None
        proof = proof or "PING is still answered"
        injected(history, fault, victim, bit=bit, proof=proof)
        yield victim if bit else None
    finally:
        stack.restart("redis")
        history.record("fault", "healed", fault=fault)


def restarted(stack: Stack, history: Recorder, times: int) -> list[Victim | None]:
    """SIGKILL Redis and start it again, so often; each time with its own proof."""
    victims = []
    for _ in range(times):
        with stopped(stack, history, fault="redis_restart") as victim:
            victims.append(victim)
    return victims


#: A key of ours that must be gone with all others.
PLANTED = "queueproof:planted"


def flushed(stack: Stack, history: Recorder) -> Victim | None:
    """Forget all keys of all databases, as an operator's FLUSHALL does.

    It bit where there was something to forget. Proof is a planted key, gone for
    another connection, and the number of keys in the instant before.
    """
    url = stack.urls.broker
    victim = main_of(stack, "redis")
    with client.Redis.from_url(url, socket_timeout=2) as admin:
        try:
            pipe = admin.pipeline(transaction=True)
            pipe.info("keyspace")
            pipe.set(PLANTED, "1")
            pipe.flushall()
            keyspace, *_ = pipe.execute()
        except client.RedisError as error:
            proof = f"FLUSHALL: {error}"
            injected(history, "redis_flush", victim, bit=False, proof=proof)
            return None
    keys = sum(int(database["keys"]) for database in keyspace.values())
    with client.Redis.from_url(url, socket_timeout=2) as probe:
        gone = not probe.exists(PLANTED)
    proof = f"the planted key is {'gone' if gone else 'there'}, so were {keys} others"
    bit = gone and keys > 0
    injected(history, "redis_flush", victim, bit=bit, proof=proof)
    return victim if bit else None


#: Seconds after which Redis takes writes again by itself, should nobody heal it.
LONGEST_PAUSE_S = 60

#: Seconds the probing write waits: reads are answered in a millisecond meanwhile.
PROBE_S = 0.2


@contextmanager
def writes_paused(stack: Stack, history: Recorder) -> Iterator[Victim | None]:
    """Answer reads, hold back writes and scripts while the body runs, as in a failover.

    Proof is a write that is not answered while a PING is. A client that gives up
    before the end has not written.
    """
    fault = "pause_writes"
    victim = main_of(stack, "redis")
    with client.Redis.from_url(stack.urls.broker, socket_timeout=2) as admin:
        try:
            admin.execute_command("CLIENT", "PAUSE", LONGEST_PAUSE_S * 1000, "WRITE")
            bit, proof = _write_hangs(stack.urls.redis_port)
            injected(history, fault, victim, bit=bit, proof=proof)
            yield victim if bit else None
        finally:
            # One round of Redis's loop: a client that died meanwhile is dropped with
            # its held-back write, instead of being served first.
            admin.ping()
            admin.execute_command("CLIENT", "UNPAUSE")
            history.record("fault", "healed", fault=fault)


def _write_hangs(port: int) -> tuple[bool, str]:
    """Ask on one connection: it has to be there, then a write has to hang."""
    with socket.create_connection((LOOPBACK, port), timeout=2) as probe:
        probe.sendall(b"PING\r\n")
        probe.recv(64)
        probe.settimeout(PROBE_S)
        probe.sendall(b"DEL queueproof:probe\r\n")
        try:
            probe.recv(64)
        except TimeoutError:
            return True, f"PING is answered, a write is not within {PROBE_S:g} s"
    return False, "a write is answered"
