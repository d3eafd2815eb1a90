"""Flower, started for real: what it says of a worker, and to whom."""

import httpx
import pytest
import redis

from reference_app import embedded_redis
from reference_app.agent import starts

pytestmark = pytest.mark.real


@pytest.mark.feature("S4-15")
def test_the_monitor_counts_what_a_worker_with_task_events_does(
    configured, process, until, tmp_path
):
    settings = configured(AGENT_KB_DIR=tmp_path / "kb")
    port = embedded_redis.free_port()
    process("agent", "monitor", "--port", str(port))
    with redis.Redis.from_url(settings.celery_broker_url) as broker:
        until(lambda: broker.pubsub_numpat(), "Flower listens", within_s=60)
    process("agent", "worker", "--task-events", "--hostname=seen@here")
    job = starts.start({})
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=5) as browser:

        def counted():
            (worker,) = browser.get("/workers?json=1").json()["data"] or [{}]
            return worker.get("task-succeeded")

        until(lambda: counted() == 1, "the run is counted", within_s=60)
        assert job in browser.get(f"/task/{job}").text
        assert browser.get("/healthcheck").text == "OK"
        # Its API can stop workers, and nobody gave a password.
        assert browser.get("/api/workers").status_code == 401
