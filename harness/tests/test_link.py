"""A link is hurt for one part only; the part lives on and works again afterwards."""

import pytest
import redis

from harness.errors import StackError
from harness.faults import Faults, link
from harness.packet_loss import RETRANSMIT_S
from harness.probes.connections import held, ping
from harness.probes.redis import why_down
from harness.wait import wait_until


@pytest.fixture
def faults(plain_stack, faults):
    """Faults on a stack whose worker is connected."""
    proxy = plain_stack.links.proxy("worker")
    wait_until(
        lambda: plain_stack.is_ready("worker") and proxy.dialled(),
        within_s=20,
        what="the worker is connected",
    )
    return faults


@pytest.fixture
def linked(plain_stack):
    """The URL that the worker has."""
    return plain_stack.urls.through(
        "127.0.0.1", plain_stack.links.ports["worker"]
    ).broker


def works(stack, within_s=20):
    """Whether the linked worker executes a task sent now."""
    job = stack.agent.send("plain.add", (1, 2), queue="plain")
    wait_until(
        lambda: "end" in [o["what"] for o in stack.executions.lines("ledger", job)],
        within_s=within_s,
        what="the linked worker has executed it",
        on_timeout=lambda: stack.logs("worker"),
    )


def told(history, kind="injected"):
    (seen,) = history.of(source="fault", kind=kind)
    return seen


def test_a_linked_worker_works_through_its_link_alone(plain_stack, faults, linked):
    command = plain_stack.process("worker").command

    assert command.env["CELERY_BROKER_URL"] == linked != plain_stack.urls.broker
    assert plain_stack.process("agent").command.env["CELERY_BROKER_URL"] != linked
    works(plain_stack)


def test_in_a_black_hole_nothing_arrives_and_nobody_hangs_up(
    plain_stack, history, faults, linked
):
    proxy = plain_stack.links.proxy("worker")
    before = proxy.dialled()
    with faults.black_hole("worker") as victim:
        assert victim.role == "worker"
        assert "Timeout" in why_down(linked)
        assert why_down(plain_stack.urls.broker) is None
        assert proxy.dialled() >= before

    assert why_down(linked) is None
    seen = told(history)
    assert seen["bit"] is True
    assert "through the link: timed out; directly: answered" in seen["proof"]
    healed = told(history, "healed")
    assert (healed["fault"], healed["role"]) == ("black_hole", "worker")
    works(plain_stack)


def test_without_answers_what_is_said_arrives_all_the_same(
    plain_stack, history, faults, linked
):
    with redis.Redis.from_url(linked, socket_timeout=2, retry=None) as client:
        client.ping()
        with faults.no_answers("worker") as victim:
            assert victim.role == "worker"
            with pytest.raises(redis.TimeoutError):
                client.rpush("heard", "all the same")
            assert why_down(plain_stack.urls.broker) is None

    with redis.Redis.from_url(plain_stack.urls.broker) as direct:
        assert direct.lpop("heard") == b"all the same"
    assert why_down(linked) is None
    seen = told(history)
    assert seen["bit"] is True
    assert "timed out; a key was set through it; directly: answered" in seen["proof"]
    assert told(history, "healed")["fault"] == "no_answers"
    works(plain_stack)


def test_a_refused_link_heals_when_the_body_raises(
    plain_stack, history, faults, linked
):
    def body():
        with faults.refuse("worker"):
            assert "refused" in why_down(linked)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        body()

    assert why_down(linked) is None
    assert told(history)["bit"] is True
    assert told(history, "healed")["fault"] == "refuse"
    works(plain_stack)


def test_a_slow_link_is_late_by_twice_the_delay(plain_stack, history, faults, linked):
    with faults.slow("worker", delay_s=0.1):
        works(plain_stack)
        assert 0.2 <= ping(plain_stack.links.ports["worker"], within_s=2) < 2

    assert why_down(linked) is None
    assert told(history)["bit"] is True
    assert "PING through the link: answered in " in told(history)["proof"]


def test_a_lossy_link_stalls_and_works_on(plain_stack, history, faults):
    port = plain_stack.links.ports["worker"]
    with faults.loss("worker", share=0.2):
        answers = [ping(port, within_s=RETRANSMIT_S) for _ in range(50)]
        assert any(answer == "timed out" for answer in answers)
        # A packet may be lost again and again, each time for twice as long.
        works(plain_stack, within_s=90)

    assert all(isinstance(ping(port, within_s=2), float) for _ in range(20))
    assert told(history)["bit"] is True
    assert (
        "the last not answered in 0.2 s; directly: answered" in told(history)["proof"]
    )
    assert told(history, "healed")["fault"] == "loss"


def test_a_lossy_link_heals_when_the_body_raises(plain_stack, history, faults, linked):
    def body():
        with faults.loss("worker", share=0.9):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        body()

    assert why_down(linked) is None
    works(plain_stack)


def test_a_loss_that_loses_nothing_does_not_bite(
    plain_stack, history, faults, monkeypatch
):
    # Nothing is lost, so nothing waits for so long, also on a machine that stalls.
    monkeypatch.setattr(link, "RETRANSMIT_S", 5.0)
    with faults.loss("worker", share=1e-9) as victim:
        assert victim is None

    assert told(history)["bit"] is False
    assert "all of 200 answered" in told(history)["proof"]


def test_a_cut_link_is_new_at_once(plain_stack, history, faults):
    proxy = plain_stack.links.proxy("worker")
    served = proxy.served

    victim = faults.cut("worker")

    assert victim.role == "worker"
    assert told(history)["bit"] is True
    # By their ids: the kernel may give the port of one that is gone to a new one.
    assert "connections listed before, 0 of them after" in told(history)["proof"]
    works(plain_stack)
    assert proxy.served > served


def test_a_part_without_a_link_is_not_hurt(plain_stack, history, faults):
    plain_stack.probe_worker()
    with faults.black_hole("probe-0") as victim:
        assert victim is None

    assert told(history)["bit"] is False
    assert 'links = ["probe-0"]' in told(history)["proof"]
    assert not history.of(source="fault", kind="healed")


def test_a_part_that_never_used_its_link_is_not_hurt(plain_stack, history, faults):
    proxy = plain_stack.links.proxy("worker")
    served, proxy.served = proxy.served, 0
    try:
        assert faults.cut("worker") is None
    finally:
        proxy.served = served

    assert told(history)["bit"] is False
    assert "never used its link" in told(history)["proof"]


def test_of_a_replica_the_way_to_its_broker_alone_can_be_hurt(
    whole_stack,
):
    """Beat, since its broker is all that it connects to."""
    history = whole_stack.history
    faults = Faults(whole_stack, history)
    with whole_stack.replica("beat", linked=True) as second:
        links = second.name, second.broker_link
        ways = [whole_stack.links.proxy(link) for link in links]
        env = whole_stack.process(second.name).command.env
        assert f":{ways[0].port}/" in env["CELERY_RESULT_BACKEND"]
        assert f":{ways[1].port}/" in env["CELERY_BROKER_URL"]
        wait_until(ways[1].dialled, within_s=20, what="it sends through both")
        with faults.refuse(second.broker_link) as victim:
            assert victim.role == second.name
            assert isinstance(ping(ways[0].port, within_s=2), float)
            assert "refused" in ping(ways[1].port, within_s=2)
        with faults.black_hole(second.name):
            assert [ping(way.port, within_s=0.2) for way in ways] == ["timed out"] * 2

    broker, whole = history.of(source="fault", kind="injected")
    assert (broker["bit"], broker["link"]) == (True, second.broker_link)
    assert "; past the broker's link: answered" in broker["proof"]
    assert (whole["bit"], whole["link"]) == (True, second.name)
    with pytest.raises(StackError):
        whole_stack.links.proxy(second.name)


def test_a_part_that_goes_round_its_link_is_not_hurt(plain_stack, history, faults):
    probe, port = plain_stack.probe_worker().role, plain_stack.urls.redis_port
    links, engine = plain_stack.links, plain_stack.engine  # started without a link
    wait_until(
        lambda: held(engine, plain_stack.process(probe), port),
        within_s=20,
        what="it is connected",
    )
    links._proxies["probe-0"] = links.proxy("worker")
    try:
        with faults.refuse("probe-0") as victim:
            assert victim is None
    finally:
        del links._proxies["probe-0"]

    assert told(history)["bit"] is False
    assert "goes round its link" in told(history)["proof"]
