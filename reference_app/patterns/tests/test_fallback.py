import threading

import pytest
import redis

from reference_app import embedded_redis
from reference_app.patterns.fallback import Reach, Unreachable


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def reach(clock):
    return Reach((ConnectionError,), again_s=1.0, clock=clock)


def fails(error):
    def publish():
        raise error

    return publish


def test_what_the_call_returns_passes_while_the_broker_is_there(reach):
    assert reach.call(lambda: 7) == 7
    assert not reach.away


def test_a_connection_error_means_unreachable_and_names_its_cause(reach):
    with pytest.raises(Unreachable, match="ConnectionError: no route") as raised:
        reach.call(fails(ConnectionError("no route")))
    assert isinstance(raised.value.__cause__, ConnectionError)
    assert reach.away


def test_a_bug_is_not_an_outage(reach):
    with pytest.raises(TypeError):
        reach.call(fails(TypeError("not JSON")))
    assert not reach.away
    assert reach.call(lambda: 1) == 1


def test_while_it_is_away_callers_are_told_at_once_and_nothing_is_tried(reach):
    with pytest.raises(Unreachable):
        reach.call(fails(ConnectionError("no route")))
    with pytest.raises(Unreachable, match="away a moment ago"):
        reach.call(lambda: pytest.fail("it was tried"))


def test_after_a_while_one_call_tries_and_the_others_do_not_wait(reach, clock):
    with pytest.raises(Unreachable):
        reach.call(fails(ConnectionError("no route")))
    clock.now_s += 1.0

    def half_open():
        with pytest.raises(Unreachable):
            reach.call(lambda: pytest.fail("two tried at once"))
        return "back"

    assert reach.call(half_open) == "back"
    assert not reach.away
    assert reach.call(lambda: 2) == 2


def test_a_bug_of_the_one_that_tries_leaves_the_turn_to_the_next(reach, clock):
    with pytest.raises(Unreachable):
        reach.call(fails(ConnectionError("no route")))
    clock.now_s += 1.0
    with pytest.raises(TypeError):
        reach.call(fails(TypeError("not JSON")))
    assert reach.call(lambda: "back") == "back"


def test_a_real_redis_that_comes_back_is_used_again(tmp_path, clock):
    port = embedded_redis.free_port()
    client = redis.Redis(port=port, socket_timeout=1)
    reach = Reach((redis.ConnectionError, redis.TimeoutError), clock=clock)

    def publish():
        return client.lpush("queue", "message")

    with pytest.raises(Unreachable):
        reach.call(publish)
    with embedded_redis.running(tmp_path, port=port):
        with pytest.raises(Unreachable):
            reach.call(publish)
        clock.now_s += 1.0
        assert reach.call(publish) == 1
    client.close()


def test_many_threads_at_once_make_one_try_per_interval(reach, clock):
    with pytest.raises(Unreachable):
        reach.call(fails(ConnectionError("no route")))
    clock.now_s += 1.0
    tries, told = [], []

    def one():
        try:
            reach.call(lambda: tries.append(1) or fails(ConnectionError("still"))())
        except Unreachable:
            told.append(1)

    threads = [threading.Thread(target=one) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(tries), len(told)) == (1, 16)
