"""A queue's key that holds something else is an answer at once, and healed after."""

import pytest
import redis


@pytest.fixture
def broker(plain_stack):
    with redis.Redis.from_url(plain_stack.urls.broker) as client:
        client.delete("nobodys")
        yield client
        client.delete("nobodys")


def told(history, kind="injected"):
    (seen,) = history.of(source="fault", kind=kind)
    return seen


def test_a_key_that_is_taken_takes_no_message(history, faults, broker):
    with faults.key_taken("nobodys") as bit, pytest.raises(redis.ResponseError):
        broker.lpush("nobodys", "message")

    assert bit is True
    assert told(history)["bit"] is True
    assert "WRONGTYPE" in told(history)["proof"]
    assert told(history, "healed")["queue"] == "nobodys"
    assert broker.lpush("nobodys", "message") == 1


def test_a_queue_with_messages_keeps_them(history, faults, broker):
    broker.lpush("nobodys", "message")

    with faults.key_taken("nobodys") as bit:
        assert bit is False

    assert told(history)["bit"] is False
    assert "nobodys holds 1 messages" in told(history)["proof"]
    assert broker.lrange("nobodys", 0, -1) == [b"message"]
