"""What a measurement needs that a machine may lack."""

import os


class NotRun(Exception):
    """The measurement cannot be made on this machine; the message says what to do."""


#: Image by variable, and what serves on a machine with a registry.
IMAGES = {
    "QUEUEPROOF_PYTHON_IMAGE": "python:3.12-slim",
    "QUEUEPROOF_REDIS_IMAGE": "redis:7.4-alpine",
}


def need_containers() -> None:
    """Return where a container engine answers that has the images.

    Raises:
        NotRun: what is missing, and how to get it.
    """
    try:
        import docker
    except ImportError:
        raise NotRun("no package `docker`; pip install -e '.[containers]'") from None
    try:
        client = docker.from_env()
        have = {tag for image in client.images.list() for tag in image.tags}
    except (docker.errors.DockerException, OSError) as error:
        raise NotRun(f"no container engine ({error}); ci/engine.sh up") from error
    wanted = [os.environ.get(*default) for default in IMAGES.items()]
    missing = [image for image in wanted if image not in have]
    if missing:
        raise NotRun(
            f"no image {' and '.join(missing)}; "
            'eval "$(ci/images/make)" makes them and names them to this command'
        )
