import signal
import subprocess
import time

import pytest
import redis

from reference_app import embedded_redis, rate_limit
from reference_app.rate_limit import RateLimit
from reference_app.settings import settings


@pytest.fixture
def limit(configured):
    return RateLimit(settings().events_url, "submit", 5, 60)


def test_the_sixth_hit_in_the_window_is_one_too_many_and_is_told_how_long(limit):
    assert [limit.hit("a") for _ in range(5)] == [None] * 5
    wait_s = limit.hit("a")
    assert 55 <= wait_s <= 60
    assert limit.hit("a") <= wait_s  # and it did not count


def test_clients_and_names_do_not_mix_and_replicas_do(limit):
    for _ in range(5):
        limit.hit("a")
    assert limit.hit("b") is None
    replica = RateLimit(settings().events_url, "submit", 5, 60)
    assert replica.hit("a") is not None
    assert RateLimit(settings().events_url, "other", 5, 60).hit("a") is None


def test_the_window_slides(configured, until):
    limit = RateLimit(settings().events_url, "submit", 2, 1)
    assert [limit.hit("a"), limit.hit("a")] == [None, None]
    assert limit.hit("a") == 1
    until(lambda: limit.hit("a") is None, "the first is a second old", 3)


def test_zero_means_no_limit(configured):
    limit = RateLimit(settings().events_url, "submit", 0, 60)
    assert [limit.hit("a") for _ in range(20)] == [None] * 20


def test_with_a_dead_redis_each_process_counts_and_answers_fast():
    limit = RateLimit("redis://127.0.0.1:1/0", "submit", 5, 60)
    started_s = time.monotonic()
    assert [limit.hit("a") for _ in range(5)] == [None] * 5
    assert limit.hit("a") > 50
    assert time.monotonic() - started_s < 1


def test_with_a_frozen_redis_one_hit_waits_a_little_and_later_it_is_asked_again(
    tmp_path, monkeypatch
):
    port = embedded_redis.free_port()
    with embedded_redis.running(tmp_path, port=port), redis.Redis(port=port) as client:
        limit = RateLimit(f"redis://127.0.0.1:{port}/0", "submit", 5, 60)
        assert limit.hit("a") is None
        server = client.info("server")["process_id"]
        subprocess.run(["kill", "-STOP", str(server)], check=True)
        asked, hit = [], limit._shared.hit
        monkeypatch.setattr(limit._shared, "hit", lambda *a: asked.append(a) or hit(*a))
        try:
            started_s = time.monotonic()
            assert [limit.hit("a") for _ in range(4)] == [None] * 4
            assert len(asked) == 1
            assert time.monotonic() - started_s < rate_limit.BACK_OFF_S
        finally:
            subprocess.run(["kill", f"-{int(signal.SIGCONT)}", str(server)], check=True)
        client.ping()
        monkeypatch.setattr(limit, "_ask_again_s", 0.0)
        assert limit.hit("b") is None
        assert client.dbsize() >= 2
