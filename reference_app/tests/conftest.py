"""A real Redis for the module, a database and a journal for each test; no fakes."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import redis
import uvicorn

from reference_app import api, embedded_redis, endings, leases, outbox
from reference_app.broker import DEFAULT_QUEUE, app
from reference_app.jobs import Jobs
from reference_app.settings import Settings, settings
from reference_app.tests.in_process import forget_connections

#: Seconds until a server in a thread has ended.
SERVER_STOPS_S = 10


@pytest.fixture(scope="session")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with embedded_redis.running(tmp_path_factory.mktemp("redis")) as port:
        yield port


@pytest.fixture
def configured(
    redis_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Settings]]:
    """Return a function that sets variables and reads the settings again."""

    def configure(**variables: object) -> Settings:
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))
        settings.cache_clear()
        endings._store.cache_clear()
        endings._client.cache_clear()
        return settings()

    (tmp_path / "journal").mkdir()
    url = f"redis://127.0.0.1:{redis_port}"
    configure(
        CELERY_BROKER_URL=f"{url}/0",
        CELERY_RESULT_BACKEND=f"{url}/1",
        EVENTS_URL=f"{url}/2",
        DATABASE_URL=f"sqlite:///{tmp_path / 'jobs.db'}",
        DATA_DIR=tmp_path,
        JOURNAL_DIR=tmp_path / "journal",
        LEASE_SECONDS=0.5,
        PROGRESS_INTERVAL=0,
    )
    endings.client().flushall()
    leases._keeper.cache_clear()  # an earlier test's may be of another Redis
    yield configure
    leases._keeper.cache_clear()
    settings.cache_clear()
    endings._client.cache_clear()
    endings._store.cache_clear()


@pytest.fixture
def jobs(configured: Callable[..., Settings]) -> Jobs:
    return endings.store()


@pytest.fixture
def queue(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> Iterator[redis.Redis]:
    """A client of the broker, to which nothing is connected from an earlier test.

    What is published has time, since the machine may be busy: how little an outage may
    take is the matter of test_submission.
    """
    monkeypatch.setattr(outbox, "PUBLISH_S", 30.0)
    outbox._in_time.cache_clear()
    forget_connections()
    with redis.Redis.from_url(settings().celery_broker_url) as client:
        yield client
    forget_connections()
    outbox._in_time.cache_clear()


@pytest.fixture
def server(jobs: Jobs) -> Iterator[str]:
    """The API on a port of its own, in a thread: its address."""
    port = embedded_redis.free_port()
    config = uvicorn.Config(
        api.create_app(), port=port, log_level="warning", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    with httpx.Client(transport=httpx.HTTPTransport(retries=10)) as client:
        client.get(f"http://127.0.0.1:{port}/api/v1/health")
    yield f"127.0.0.1:{port}"
    server.should_exit = True
    thread.join(SERVER_STOPS_S)


@pytest.fixture
def until() -> Callable[..., None]:
    """Return a function that waits for a condition, or fails at a deadline."""
    pause = threading.Event()

    def wait(condition: Callable[[], object], what: str, within_s: float = 60) -> None:
        deadline_s = time.monotonic() + within_s
        while True:
            late = time.monotonic() >= deadline_s  # before the look, which may be slow
            if condition():
                return
            assert not late, f"not within {within_s:g} s: {what}"
            pause.wait(0.05)

    return wait


@pytest.fixture
def process(
    configured: Callable[..., Settings], tmp_path: Path
) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Return a function that starts `python -m reference_app ARGUMENTS`."""
    started = []

    def start(*arguments: str, **options: object) -> subprocess.Popen[bytes]:
        with (tmp_path / f"{arguments[0]}-{len(started)}.log").open("wb") as log:
            command = [sys.executable, "-m", "reference_app", *arguments]
            started.append(
                subprocess.Popen(command, stdout=log, stderr=log, **options)  # type: ignore[call-overload]
            )
        return started[-1]

    yield start
    for running in started:
        running.kill()
        running.wait()


@pytest.fixture
def sleepers(configured: Callable[..., Settings], until: Callable[..., None]):
    """Send sleepers, and see which of them run."""
    forget_connections()
    found = Sleepers()
    # A worker that an earlier test killed would still be given a message.
    until(lambda: found.consumers() == 0, "Redis knows that nobody listens")
    return found


class Sleepers:
    def send(self, count, queue=DEFAULT_QUEUE):
        return [self._send(queue) for _ in range(count)]

    def _send(self, queue):
        return app.send_task("services.tasks.sleep", queue=queue).id

    def started(self):
        return [line.decode().split()[0] for line in self._all("started")]

    def processes(self):
        return [int(line.split()[1]) for line in self._all("started")]

    def ended(self):
        return [line.decode() for line in self._all("ended")]

    def waiting(self, queue=DEFAULT_QUEUE):
        with redis.Redis.from_url(settings().celery_broker_url) as broker:
            return broker.llen(queue)

    def consumers(self):
        with redis.Redis.from_url(settings().celery_broker_url) as broker:
            return sum(client["cmd"] == "brpop" for client in broker.client_list())

    def wake(self, *ids):
        endings.client().sadd("awake", *ids)

    def _all(self, key):
        return endings.client().lrange(key, 0, -1)
