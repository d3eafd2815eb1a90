"""Each pattern that needs Redis is tested on a fake and on a real server."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

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


@pytest.fixture(params=["fake", "real"])
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
