"""What a container of the application is made of.

By default that is a plain image of Python in which the application's interpreter,
packages and sources are mounted, read-only and where they are on this machine: nothing
is built, and commands and environment stay as they are. `[container]` in target.toml
names an image of the application's own instead.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import EngineError
from harness.target import Target

#: Where the images come from: variables, and what serves on a machine with a registry.
PYTHON_IMAGE = ("QUEUEPROOF_PYTHON_IMAGE", "python:3.12-slim")
REDIS_IMAGE = ("QUEUEPROOF_REDIS_IMAGE", "redis:7.4-alpine")

#: Never mounted over an image: what makes it a system.
SYSTEM = frozenset(map(Path, ("/", "/bin", "/etc", "/sbin", "/usr", "/usr/local")))
LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")

#: Prints the folders from which this interpreter imports, editable installs too.
_PLACES = """
import json, sys
editable = [m.MAPPING for name, m in sys.modules.items() if "__editable__" in name]
found = [path for mapping in editable for path in mapping.values()]
print(json.dumps([sys.prefix, sys.base_prefix, *sys.path, *found]))
"""

#: Seconds the interpreter may take to tell; it imports nothing.
TELL_WITHIN_S = 30


@dataclass(frozen=True)
class Equipment:
    """Images and mounts of one application; see `Container` in `harness.target`."""

    image: str
    python_image: str
    redis_image: str
    user: str
    sources: bool
    python: str
    mounts: tuple[Path, ...]
    memory_mib: int

    @property
    def volumes(self) -> list[str]:
        """Return the mounts in Docker's words: real place, place inside, read-only."""
        return [f"{place.resolve()}:{place}:ro" for place in self.mounts]


def equip(target: Target, environ: Mapping[str, str] = os.environ) -> Equipment:
    """Return what this application's containers are made of.

    Raises:
        EngineError: the target's interpreter does not run on this machine.
    """
    python_image = environ.get(*PYTHON_IMAGE)
    told = target.container
    sources = not told.image or told.mounts
    # As on processes: what they write belongs to whoever runs the tests.
    user = told.user or (f"{os.getuid()}:{os.getgid()}" if sources else "")
    harness = Path(__file__).resolve().parents[1]
    mounts = [harness / "witness_site"]
    if sources:
        mounts += [*_places(target, environ), *target.pythonpath]
        mounts += [target.chdir] if target.chdir else []
    return Equipment(
        image=told.image or python_image,
        python_image=python_image,
        redis_image=environ.get(*REDIS_IMAGE),
        user=user,
        sources=sources,
        python=target.python if sources else told.python,
        mounts=tuple(_outermost(mounts)),
        memory_mib=told.memory_mib,
    )


def _places(target: Target, environ: Mapping[str, str]) -> list[Path]:
    try:
        told = subprocess.run(
            [target.python, "-c", _PLACES],
            env=dict(environ),
            cwd="/",
            capture_output=True,
            check=True,
            timeout=TELL_WITHIN_S,
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise EngineError(
            f"{target.python} does not run here, so nothing of it can be mounted into "
            f"a container ({error}). Correct `python` in target.toml, or name an image "
            "that holds the application under [container]."
        ) from error
    found = (Path(place) for place in json.loads(told) if place)
    return [place for place in found if place.exists()]


def _outermost(places: list[Path]) -> list[Path]:
    """Return the real places that are in none of the others, and ways to them."""
    real = {place.resolve() for place in places}
    ways = {place for place in places if place != place.resolve()}
    kept: list[Path] = []
    for place in [*sorted(real), *sorted(ways)]:
        system = place in SYSTEM or any(map(place.is_relative_to, LIBRARIES))
        if not system and not any(map(place.is_relative_to, kept)):
            kept.append(place)
    return kept
