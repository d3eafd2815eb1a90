"""A stack of pytest-celery's own: Redis twice, and a worker of an image of our own.

All of this is pytest-celery's documented way to bring another worker and another Redis
image; nothing in this file knows the harness.
"""

import os
from pathlib import Path

import pytest
import tasks
from pytest_celery import (
    DEFAULT_WORKER_CONTAINER_TIMEOUT,
    DEFAULT_WORKER_VOLUME,
    REDIS_CONTAINER_TIMEOUT,
    CeleryBackendCluster,
    CeleryBrokerCluster,
    CeleryWorkerContainer,
    RedisContainer,
)
from pytest_docker_tools import build, container, fxtr

REDIS_IMAGE = os.environ.get("QUEUEPROOF_REDIS_IMAGE", "redis:7.4-alpine")

#: Passed on to the build where this machine sets them.
BUILD_ARGUMENTS = {
    "BASE_IMAGE": "QUEUEPROOF_PYTHON_IMAGE",
    "PIP_INDEX_URL": "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL": "PIP_EXTRA_INDEX_URL",
}


class PublishedRedis(RedisContainer):
    @property
    def port(self):
        # Theirs is the port inside where the tests themselves run in a container, and
        # is then put behind "localhost".
        return self.ports["6379/tcp"][0]


class ShopWorker(CeleryWorkerContainer):
    @classmethod
    def tasks_modules(cls):
        return {tasks}


def redis(role):
    return container(
        image=REDIS_IMAGE,
        ports=fxtr(f"default_redis_{role}_ports"),
        environment=fxtr(f"default_redis_{role}_env"),
        network="{default_pytest_celery_network.name}",
        tmpfs={"/data": "size=64m"},  # else each leaves the volume of its image behind
        wrapper_class=PublishedRedis,
        timeout=REDIS_CONTAINER_TIMEOUT,
        command=fxtr(f"default_redis_{role}_command"),
    )


default_redis_broker = redis("broker")
default_redis_backend = redis("backend")

worker_image = build(
    path=str(Path(__file__).parent),
    tag="queueproof-peer-worker",
    forcerm=True,
    buildargs={
        argument: os.environ[name]
        for argument, name in BUILD_ARGUMENTS.items()
        if name in os.environ
    },
)

default_worker_container = container(
    image="{worker_image.id}",
    environment=fxtr("default_worker_env"),
    network="{default_pytest_celery_network.name}",
    volumes=fxtr("worker_volumes"),
    wrapper_class=ShopWorker,
    timeout=DEFAULT_WORKER_CONTAINER_TIMEOUT,
    command=fxtr("default_worker_command"),
)


@pytest.fixture
def worker_volumes(default_worker_volume):
    return {default_worker_volume.name: DEFAULT_WORKER_VOLUME}


@pytest.fixture
def default_worker_container_cls():
    return ShopWorker


@pytest.fixture(scope="session")
def default_worker_container_session_cls():
    return ShopWorker


@pytest.fixture
def celery_broker_cluster(celery_redis_broker):
    cluster = CeleryBrokerCluster(celery_redis_broker)
    yield cluster
    cluster.teardown()


@pytest.fixture
def celery_backend_cluster(celery_redis_backend):
    cluster = CeleryBackendCluster(celery_redis_backend)
    yield cluster
    cluster.teardown()
