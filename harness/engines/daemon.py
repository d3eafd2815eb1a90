"""The Docker daemon of this machine: how to reach it, and what its errors mean."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from testcontainers.core.docker_client import DockerClient, get_docker_host

from harness.engines import reaper
from harness.engines.equipment import PYTHON_IMAGE, REDIS_IMAGE
from harness.errors import EngineError

#: Where Docker listens, unless something else is said.
DEFAULT_HOST = "unix:///var/run/docker.sock"


def reach() -> tuple[DockerClient, str]:
    """Return a client and the daemon's socket, once what the dead left is removed.

    Raises:
        EngineError: no daemon answers; says how to get one.
    """
    docker_socket = _docker_socket()
    try:
        reaper.reap(docker_socket)
    except OSError as error:
        raise EngineError(
            f"No Docker daemon answers at {docker_socket}: {error}. Start Docker, or "
            "on a bare machine `ci/engine.sh up`; DOCKER_HOST names another socket."
        ) from error
    with docker_says("be asked for its version"):
        return DockerClient(), docker_socket


def find_image(docker: DockerClient, name: str) -> Any:
    """Return an image, pulled where it is not here; EngineError where it is nowhere."""
    try:
        return docker.client.images.get(name)
    except ImageNotFound:
        pass
    try:
        return docker.client.images.pull(name)
    except DockerException as error:
        raise EngineError(
            f"There is no image {name} here, and it cannot be pulled: {error}. "
            'Make the images of this machine: eval "$(ci/images/make)", or name '
            f"others in {PYTHON_IMAGE[0]} and {REDIS_IMAGE[0]}."
        ) from error


@contextmanager
def docker_says(what: str) -> Iterator[None]:
    """Turn an error of Docker into ours, with what it said."""
    try:
        yield
    except DockerException as error:
        raise EngineError(
            f"Docker could not {what}: {error}. What the daemon says stands in its log."
        ) from error


@contextmanager
def if_it_lives() -> Iterator[None]:
    """Let pass that a container has ended or was removed meanwhile."""
    try:
        yield
    except NotFound:
        pass
    except APIError as error:
        if error.status_code != 409:
            raise


def _docker_socket() -> str:
    """Return the daemon's socket; folders can be shared with no daemon elsewhere."""
    host = get_docker_host() or DEFAULT_HOST
    scheme, _, path = host.partition("://")
    if scheme != "unix":
        raise EngineError(
            f"The container engine needs a Docker daemon on this machine, not {host}. "
            "Set DOCKER_HOST=unix:///path/of/its/socket."
        )
    return path
