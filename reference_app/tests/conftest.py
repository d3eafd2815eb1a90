"""A real Redis for the module, a database and a journal for each test; no fakes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reference_app import embedded_redis, endings
from reference_app.jobs import Jobs
from reference_app.settings import Settings, settings


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
    yield configure
    settings.cache_clear()
    endings._client.cache_clear()
    endings._store.cache_clear()


@pytest.fixture
def jobs(configured: Callable[..., Settings]) -> Jobs:
    return endings.store()
