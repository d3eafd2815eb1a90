"""Each pattern that needs Redis is tested on a fake and on a real server.

`reference_app patterns add NAME DEST --tests` carries this file along.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import celery
import fakeredis
import pytest
import redis
import redis.asyncio

from reference_app import embedded_redis


@dataclass(frozen=True)
class Server:
    """A Redis, fake or real, empty at the start of each test."""

    client: redis.Redis
    connect_async: Callable[[], redis.asyncio.Redis]


@pytest.fixture(scope="session")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder: Path = tmp_path_factory.mktemp("redis")
    with embedded_redis.running(folder) as port:
        yield port


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.real)])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    if request.param == "fake":
        fake = fakeredis.FakeServer()
        client = fakeredis.FakeRedis(server=fake)
        yield Server(client, lambda: fakeredis.FakeAsyncRedis(server=fake))
        client.close()
    else:
        port = request.getfixturevalue("redis_port")
        real = redis.Redis(port=port)
        real.flushall()
        yield Server(real, lambda: redis.asyncio.Redis(port=port))
        real.close()


@pytest.fixture
def client(server: Server) -> redis.Redis:
    return server.client


#: The names of one job's events.
NAMES = {"state": "job:state", "log": "job:log", "channel": "job"}


@pytest.fixture
def names() -> dict[str, str]:
    return dict(NAMES)


#: Seconds a worker may take to start, and a message to arrive; typically 2 and 0.1.
WORKER_S = 30

_APP = """
import os
import redis
from celery import Celery, bootsteps

url = f"redis://127.0.0.1:{os.environ['PORT']}/0"
app = Celery("app", broker=url)
app.conf.update(task_ignore_result=True, broker_connection_retry_on_startup=True)
client = redis.Redis.from_url(url, decode_responses=True)

def note(*words):
    client.rpush("notes", " ".join(map(str, words)))

class Prompt(bootsteps.StartStopStep):
    "A lost child is noticed at once, not after up to 5 s."
    requires = ("celery.worker.components:Pool",)
    def start(self, worker):
        worker.hub.call_repeatedly(0.1, worker.pool.maintain_pool)

app.steps["worker"].add(Prompt)
"""


class Workers:
    """Real Celery workers on a real Redis, and what their tasks noted."""

    def __init__(self, folder: Path, port: int) -> None:
        self.client = redis.Redis(port=port, decode_responses=True)
        broker = f"redis://127.0.0.1:{port}/0"
        self._app = celery.Celery(broker=broker, set_as_current=False)
        self._folder, self._port = folder, port
        self._running: list[subprocess.Popen[bytes]] = []

    def define(self, code: str) -> None:
        """Write the application: `app`, `client` and `note` are there already."""
        (self._folder / "app.py").write_text(_APP + code)

    def start(self, *options: str, **variables: str) -> subprocess.Popen[bytes]:
        """Start a worker; what it takes is noted by its tasks."""
        command = [sys.executable, "-m", "celery", "-A", "app", "worker", "-c1"]
        path = os.pathsep.join([str(self._folder), *filter(None, sys.path)])
        environment = {"PORT": str(self._port), "PYTHONPATH": path, **variables}
        with (self._folder / "worker.log").open("ab") as log:
            worker = subprocess.Popen(
                [*command, f"-nw{len(self._running)}@test", *options],
                env={**os.environ, **environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._running.append(worker)
        return worker

    def send(self, task: str, *args: object, job_id: str) -> None:
        """Send a task by its name."""
        self._app.send_task(task, args, task_id=job_id, ignore_result=True)

    def next_note(self, within_s: float = WORKER_S) -> str | None:
        """Return what a task noted next, None if nothing within `within_s`."""
        found = self.client.blpop(["notes"], timeout=within_s)
        return found[1] if found else None

    def kill(self) -> None:
        """End all workers with what they started; none of this is asked of them."""
        for worker in self._running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(worker.pid, signal.SIGKILL)
            worker.wait(WORKER_S)
        self._app.close()
        self.client.close()


@pytest.fixture
def workers(redis_port: int, tmp_path: Path) -> Iterator[Workers]:
    found = Workers(tmp_path, redis_port)
    found.client.flushall()
    yield found
    found.kill()
