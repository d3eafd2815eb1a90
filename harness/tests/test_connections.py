"""Redis hangs up on the application, and never on the harness."""

import pytest
import redis

from harness.faults.connections import addresses_of
from harness.probes.connections import held, listed, ping
from harness.wait import wait_until


@pytest.fixture
def faults(plain_stack, faults):
    """Faults on a stack whose probe worker, which has no link, is connected.

    A worker whose connections a test before this one has cut hangs up on the rest, and
    dials anew; it answers when that is over.
    """
    plain_stack.probe_worker()
    roles = [process.role for process in plain_stack.processes()]
    workers = sum(role == "worker" or role.startswith("probe-") for role in roles)
    wait_until(
        lambda: len(plain_stack.agent.inspect("ping", limit=workers) or {}) == workers,
        within_s=20,
        what=f"the {workers} workers answer",
    )
    return faults


@pytest.fixture
def subscriber(plain_stack):
    client = redis.Redis.from_url(plain_stack.urls.events)
    with client, client.pubsub() as pubsub:
        pubsub.subscribe("some-channel")
        assert pubsub.get_message(timeout=2)["type"] == "subscribe"
        yield pubsub


def told(stack):
    (seen,) = stack.history.of(source="fault", kind="injected")
    return seen


def ids(stack, addresses):
    lines = listed(stack.urls.broker)
    return {line["id"] for line in lines if line["addr"] in addresses}


def test_all_of_the_application_is_cut_off_and_comes_back(plain_stack, faults):
    stack = plain_stack
    before = ids(stack, addresses_of(stack, "worker") | addresses_of(stack, "probe-0"))
    agents = ids(stack, addresses_of(stack, "agent"))

    victim = faults.cut_connections()

    after = {line["id"] for line in listed(stack.urls.broker)}
    assert victim.role == "redis"
    assert len(before) >= 4
    assert not before & after
    assert agents <= after
    assert told(stack)["bit"] is True
    assert ", 0 after" in told(stack)["proof"]
    job = stack.agent.probe("sleep", queue=stack.probe_worker().queue())
    wait_until(
        lambda: stack.executions.lines("ledger", job), within_s=20, what="it runs"
    )


def test_only_subscribers_are_cut_off(plain_stack, faults, subscriber):
    with redis.Redis.from_url(plain_stack.urls.events) as bystander:
        own = str(bystander.client_id())

        assert faults.cut_connections("pubsub") is not None

        assert own in {line["id"] for line in listed(plain_stack.urls.broker)}
    with pytest.raises(redis.ConnectionError):
        subscriber.connection.read_response(timeout=2)


def test_only_the_named_part_is_cut_off(plain_stack, faults, subscriber):
    stack = plain_stack
    worker = ids(stack, addresses_of(stack, "worker"))
    probe = ids(stack, addresses_of(stack, "probe-0"))

    victim = faults.cut_connections("normal", role="probe-0")

    after = {line["id"] for line in listed(stack.urls.broker)}
    assert victim.role == "probe-0"
    assert worker <= after
    assert not probe <= after
    assert told(stack)["bit"] is True


def test_no_connection_of_that_kind_is_no_victim(plain_stack, faults):
    assert faults.cut_connections("pubsub", role="redis") is None

    assert told(plain_stack)["bit"] is False


def test_a_kind_that_does_not_exist_is_refused(plain_stack, faults):
    with pytest.raises(ValueError, match="Known: normal, pubsub, all"):
        faults.cut_connections("blocked")


def test_a_probe_is_not_in_its_own_list(plain_stack, faults):
    stack, port = plain_stack, plain_stack.urls.redis_port

    assert isinstance(ping(port, within_s=1), float)
    assert "refused" in ping(1, within_s=1)
    first = {line["id"] for line in listed(stack.urls.broker)}
    again = {line["id"] for line in listed(stack.urls.broker)}
    assert first == again


def test_a_part_with_a_link_holds_no_connection_to_redis_itself(plain_stack, faults):
    stack, port = plain_stack, plain_stack.urls.redis_port

    assert not held(stack.engine, stack.process("worker"), port)
    assert held(stack.engine, stack.process("probe-0"), port)
    assert stack.links.proxy("worker").dialled() == addresses_of(stack, "worker")
