"""The engine a run was told to use; what the others need is not imported."""

import os
from typing import TYPE_CHECKING

from harness.errors import EngineError, NoRedisServer
from harness.target import Target

if TYPE_CHECKING:
    from harness.engines import Engine

ENGINES = ("process", "container")

#: Read by testcontainers when it is imported. Our keeper removes what a run leaves, so
#: no second container is needed for that; and its loops look once a second by default.
TESTCONTAINERS = {"TESTCONTAINERS_RYUK_DISABLED": "true", "TC_POOLING_INTERVAL": "0.1"}


def redis_server(name: str) -> str | None:
    """Return what serves Redis on this engine: a binary or an image; None without."""
    if name == "process":
        from harness.engines.redis_server import find_redis_server

        try:
            return str(find_redis_server())
        except NoRedisServer:
            return None
    from harness.engines.equipment import REDIS_IMAGE

    return os.environ.get(*REDIS_IMAGE)


def open_engine(name: str, target: Target) -> "Engine":
    """Return a new engine of this name; the caller closes it.

    Raises:
        EngineError: it cannot work on this machine; says what to do.
    """
    if name == "process":
        from harness.engines.process import ProcessEngine

        return ProcessEngine()
    os.environ.update(TESTCONTAINERS)
    try:
        from harness.engines.container import ContainerEngine
    except ImportError as error:
        raise EngineError(
            f"The container engine needs {error.name}. "
            "Install it: pip install 'queueproof[containers]', "
            "or run `make scenarios ENGINE=container`."
        ) from error
    from harness.engines.equipment import equip

    return ContainerEngine(equip(target))
