"""The way of one part to Redis: lost, refused, slow, or cut off once.

The part must have a link, see `Stack`. A fault bites where the part uses its link and
no way round it, and a probe of its own, through the same link, feels the damage while
Redis answers it directly. Of a linked replica the broker's link can be hurt alone: then
a third probe shows that its way to the rest of Redis is whole.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import redis

from harness.errors import StackError, TooSlow
from harness.faults.record import Victim, injected, main_of
from harness.links import BROKER
from harness.packet_loss import RETRANSMIT_S, PacketLoss
from harness.probes.connections import held, listed, ping
from harness.proxy import Proxy
from harness.recorder import Recorder
from harness.stack import Stack
from harness.wait import wait_until

#: Seconds a PING waits that should not be answered; a healthy one takes a millisecond.
PROBE_S = 0.2

#: Seconds a PING waits that should be answered, on a machine that is busy elsewhere.
ANSWER_WITHIN_S = 2.0

#: PINGs among which one must lose a packet; at a share of 5 % not one in 10^8 does not.
MOST_PINGS = 200

#: Seconds Redis may take to notice that a connection was reset.
NOTICED_WITHIN_S = 2.0


@contextmanager
def black_hole(stack: Stack, history: Recorder, role: str) -> Iterator[Victim | None]:
    """Lose every byte while the body runs; connections stay open and seem to work.

    A connection that lost bytes is reset at the end, as when a firewall has forgotten
    it; what was sent meanwhile, and its end, the other side never hears of.
    """

    def felt(proxy: Proxy) -> tuple[bool, str]:
        answer = ping(proxy.port, within_s=PROBE_S, host=proxy.host)
        return answer == "timed out", _told(answer)

    with _hurt(stack, history, role, "black_hole", Proxy.swallow, felt) as victim:
        yield victim


#: What a probe writes in one direction, to be seen when the other one is lost.
_SAID = "queueproof:said"


@contextmanager
def no_answers(stack: Stack, history: Recorder, role: str) -> Iterator[Victim | None]:
    """Lose all that Redis says to the part while the body runs, and nothing else.

    What the part sends arrives and is done; a client that gives up waiting cannot know.
    Proof is a key that was set through the link by a command without an answer.
    """

    def felt(proxy: Proxy) -> tuple[bool, str]:
        answer = ping(proxy.port, within_s=PROBE_S, host=proxy.host)
        ping(proxy.port, within_s=PROBE_S, host=proxy.host, say=f"SET {_SAID} 1")
        with redis.Redis.from_url(
            stack.urls.broker, socket_timeout=ANSWER_WITHIN_S
        ) as direct:
            arrived = bool(direct.delete(_SAID))
        told = (
            f"{_told(answer)}; a key {'was' if arrived else 'was not'} set through it"
        )
        return answer == "timed out" and arrived, told

    with _hurt(stack, history, role, "no_answers", Proxy.deafen, felt) as victim:
        yield victim


@contextmanager
def refuse(stack: Stack, history: Recorder, role: str) -> Iterator[Victim | None]:
    """Reset the open connections, and refuse new ones while the body runs."""

    def felt(proxy: Proxy) -> tuple[bool, str]:
        answer = ping(proxy.port, within_s=PROBE_S, host=proxy.host)
        return "refused" in str(answer), _told(answer)

    with _hurt(stack, history, role, "refuse", Proxy.refuse, felt) as victim:
        yield victim


@contextmanager
def slow(
    stack: Stack, history: Recorder, role: str, delay_s: float
) -> Iterator[Victim | None]:
    """Deliver each byte `delay_s` late in each direction while the body runs.

    A round trip takes twice as long more. At the end all that waits is delivered.
    """

    def change(proxy: Proxy, on: bool) -> None:
        proxy.delay(delay_s if on else 0.0)

    def felt(proxy: Proxy) -> tuple[bool, str]:
        within_s = 2 * delay_s + ANSWER_WITHIN_S
        answer = ping(proxy.port, within_s=within_s, host=proxy.host)
        return isinstance(answer, float) and answer >= 2 * delay_s, _told(answer)

    with _hurt(stack, history, role, "slow", change, felt) as victim:
        yield victim


@contextmanager
def loss(
    stack: Stack, history: Recorder, role: str, share: float, seed: int
) -> Iterator[Victim | None]:
    """Lose this share of packets each way while the body runs, as far as TCP lets it.

    What that is on a proxy, `harness.packet_loss` says: stalls that double, then a
    reset. Proof is one PING among many that comes late by a retransmission.
    """
    lost = PacketLoss(share, seed)

    def change(proxy: Proxy, on: bool) -> None:
        proxy.lose(lost if on else None)

    def felt(proxy: Proxy) -> tuple[bool, str]:
        for number in range(1, MOST_PINGS + 1):
            answer = ping(proxy.port, within_s=RETRANSMIT_S, host=proxy.host)
            healthy = ping(stack.urls.redis_port, within_s=RETRANSMIT_S / 2)
            if answer == "timed out" and isinstance(healthy, float):
                return True, f"{number} sent, the last not answered in {RETRANSMIT_S} s"
        return False, f"all of {MOST_PINGS} answered in {RETRANSMIT_S} s"

    with _hurt(stack, history, role, "loss", change, felt) as victim:
        yield victim


def cut(stack: Stack, history: Recorder, role: str) -> Victim | None:
    """Reset the open connections once; new ones are welcome at once.

    Proof is that their ids are gone from CLIENT LIST.
    """
    victim = main_of(stack, role)
    proxy, why_not = _link(stack, role)
    if proxy is None:
        injected(history, "cut", victim, bit=False, proof=why_not)
        return None
    dialled, url = proxy.dialled(), stack.urls.broker

    def still_listed() -> set[str]:
        return {line["id"] for line in listed(url) if line["addr"] in dialled}

    try:
        before = still_listed()
        proxy.reset()
        with contextlib.suppress(TooSlow):
            wait_until(
                lambda: not before & still_listed(),
                within_s=NOTICED_WITHIN_S,
                what="they are gone",
            )
        remain = before & still_listed()
    except redis.RedisError as error:
        injected(history, "cut", victim, bit=False, proof=f"CLIENT LIST: {error}")
        return None
    bit = victim is not None and bool(before) and not remain
    proof = f"{len(before)} connections listed before, {len(remain)} of them after"
    injected(history, "cut", victim, bit=bit, proof=proof)
    history.record("fault", "healed", fault="cut", role=role)
    return victim if bit else None


@contextmanager
def _hurt(
    stack: Stack,
    history: Recorder,
    role: str,
    fault: str,
    change: Callable[[Proxy, bool], None],
    felt: Callable[[Proxy], tuple[bool, str]],
) -> Iterator[Victim | None]:
    victim = main_of(stack, role.removesuffix(BROKER))
    proxy, why_not = _link(stack, role)
    if proxy is None:
        injected(history, fault, victim, bit=False, proof=why_not, link=role)
        yield None
        return
    try:
        change(proxy, True)
        bit, proof = felt(proxy)
        direct = ping(stack.urls.redis_port, within_s=ANSWER_WITHIN_S)
        bit = bit and victim is not None and isinstance(direct, float)
        proof = f"PING through the link: {proof}; directly: {_told(direct)}"
        if role.endswith(BROKER):
            rest = stack.links.proxy(role.removesuffix(BROKER))
            answer = ping(rest.port, within_s=ANSWER_WITHIN_S, host=rest.host)
            bit = bit and isinstance(answer, float)
            proof += f"; past the broker's link: {_told(answer)}"
        injected(history, fault, victim, bit=bit, proof=proof, link=role)
        yield victim if bit else None
    finally:
        change(proxy, False)
        history.record("fault", "healed", fault=fault, role=role)


def _link(stack: Stack, role: str) -> tuple[Proxy | None, str]:
    """Return the link of a part if hurting it hurts the part, or why it does not."""
    try:
        proxy = stack.links.proxy(role)
    except StackError as error:
        return None, str(error)
    if not proxy.served:
        return None, f"{role} has never used its link"
    part = stack.process(role.removesuffix(BROKER))
    if held(stack.engine, part, stack.urls.redis_port):
        return None, f"{role} goes round its link: it is connected to Redis directly"
    return proxy, ""


def _told(answer: float | str) -> str:
    if isinstance(answer, str):
        return answer
    return f"answered in {answer:.3f} s"
