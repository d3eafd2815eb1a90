"""What a measurement needs that a machine may lack."""

import os
import subprocess


class NotRun(Exception):
    """The measurement cannot be made on this machine; the message says what to do."""


#: Seconds the container engine may take to answer.
WITHIN_S = 10.0

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
        done = subprocess.run(
            ["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}"],
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise NotRun(
            f"no container engine answers ({error}); ci/engine.sh up starts one"
        ) from error
    have = done.stdout.split()
    wanted = [os.environ.get(*default) for default in IMAGES.items()]
    missing = [image for image in wanted if image not in have]
    if missing:
        raise NotRun(
            f"no image {' and '.join(missing)}; "
            'eval "$(ci/images/make)" makes them and names them to this command'
        )
