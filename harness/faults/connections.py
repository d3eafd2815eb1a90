"""Redis hangs up on its clients, as a failover or an idle timeout does."""

from collections.abc import Callable

import redis

from harness.errors import StackError
from harness.faults.record import Victim, injected, main_of
from harness.probes.connections import held, is_subscriber, listed
from harness.recorder import Recorder
from harness.stack import Stack

_FAULT = "cut_connections"

#: Kind of connection -> whether a line of CLIENT LIST is of it.
_KINDS: dict[str, Callable[[dict[str, str]], bool]] = {
    "normal": lambda line: not is_subscriber(line),
    "pubsub": is_subscriber,
    "all": lambda line: True,
}


def addresses_of(stack: Stack, role: str) -> set[str]:
    """Return from where a part is connected to Redis, by its link or not."""
    direct = held(stack.engine, stack.process(role), stack.urls.redis_port)
    try:
        return direct | stack.links.proxy(role).dialled()
    except StackError:
        return direct


def cut(stack: Stack, history: Recorder, kind: str, role: str | None) -> Victim | None:
    """Kill by CLIENT KILL what is of this kind; only a part's own where one is named.

    Never the agent's, through which the harness asks, nor a probe's. Proof is that
    the ids are gone from CLIENT LIST.

    Raises:
        ValueError: no such kind.
    """
    if kind not in _KINDS:
        raise ValueError(f"No kind {kind!r} of connection. Known: {', '.join(_KINDS)}.")
    victim = main_of(stack, role or "redis")
    own = addresses_of(stack, role or "agent")
    try:
        before = {
            line["id"]
            for line in listed(stack.urls.broker)
            if _KINDS[kind](line) and (line["addr"] in own) == (role is not None)
        }
        with redis.Redis.from_url(stack.urls.broker, socket_timeout=2) as admin:
            for id in before:
                admin.client_kill_filter(_id=id)
        left = before & {line["id"] for line in listed(stack.urls.broker)}
    except redis.RedisError as error:
        injected(history, _FAULT, victim, bit=False, proof=f"CLIENT: {error}")
        return None
    bit = victim is not None and bool(before) and not left
    proof = f"{len(before)} connections ({kind}) listed before, {len(left)} after"
    injected(history, _FAULT, victim, bit=bit, proof=proof)
    return victim if bit else None
