"""Real sockets: a broker that refuses, and one that takes a call and never answers."""

import socket
import threading
import time

import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from reference_app import embedded_redis
from reference_app.patterns.broker_bounds import InTime, settings

WITHIN_S = 0.3


@pytest.fixture
def silent_port():
    """A server that completes the handshake of TCP and then says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def app_for(url, answer_s=0.2):
    app = Celery("bounded", broker=url, backend=url)
    app.conf.update(settings(answer_s=answer_s))
    return app


@pytest.mark.parametrize("how", ["refuses", "is silent"])
def test_a_publish_answers_in_time_when_the_broker(how, silent_port):
    port = silent_port if how == "is silent" else embedded_redis.free_port()
    app = app_for(f"redis://127.0.0.1:{port}/0", answer_s=30)
    in_time = InTime(within_s=WITHIN_S)
    began_s = time.monotonic()
    with pytest.raises((OperationalError, TimeoutError)):
        in_time.call(lambda: app.send_task("any", ignore_result=True, retry=False))
    assert time.monotonic() - began_s < 10


@pytest.mark.parametrize("how", ["refuses", "is silent"])
def test_a_left_behind_call_is_over_soon_because_of_the_settings(how, silent_port):
    port = silent_port if how == "is silent" else embedded_redis.free_port()
    app = app_for(f"redis://127.0.0.1:{port}/0")
    over = threading.Event()

    def publish():
        try:
            app.send_task("any", ignore_result=True, retry=False)
        finally:
            over.set()

    with pytest.raises((OperationalError, TimeoutError)):
        InTime(within_s=0.01).call(publish)
    assert over.wait(5)


def test_what_the_call_returns_and_raises_passes():
    in_time = InTime(within_s=5)
    assert in_time.call(lambda: 7) == 7

    def its_own():
        raise TimeoutError("of the socket")

    with pytest.raises(TimeoutError, match="of the socket"):
        in_time.call(its_own)
    with pytest.raises(KeyError):
        in_time.call(lambda: {}["a"])


def test_no_more_calls_are_stuck_than_there_are_threads():
    release = threading.Event()
    in_time = InTime(within_s=0.05, threads=2)
    for _ in range(2):
        with pytest.raises(TimeoutError, match="no answer"):
            in_time.call(release.wait)
    with pytest.raises(TimeoutError, match="stuck"):
        in_time.call(lambda: pytest.fail("there is no thread for it"))
    release.set()
    in_time._within_s = 5  # from here on their places are the matter
    assert in_time.call(lambda: 1) == 1
