"""Reads the description of an application: a TOML file, or a table of pyproject.toml.

    app = "shop.broker:app"                  # the Celery app; all that workers need
    queues = ["default"]                     # the queues its own worker serves
    device = "memory"                        # what jobs hold: or "nvml", on a card
    links = ["worker"]                       # parts whose way to Redis can be hurt
    longest_countdown_s = 600                # of an ETA, countdown or retry
    allow_hosts = ["models.internal"]        # not the stack's, and yet to be reached
    chdir = "."                              # where commands start; never written to
    pythonpath = ["src"]                     # both relative to this file
    python = "/srv/shop/venv/bin/python"     # default: the interpreter of the tests

    [commands]                         # as deployed; {python} {app} {host} {port}
    worker = "{python} -m celery -A {app} worker"
    api = "shop-api --host {host} --port {port}"
    [env]                                    # also {broker} {results} {events} {data}
    DATABASE_URL = "sqlite:///{data}/shop.db"   # and {journal}: a folder per run
    [api]                                    # "METHOD /route/{job}"
    [socket]                                 # Socket.IO: subscribe, room, fields
    [record]                                 # its database: sqlite = "a.db", query
    [words.states]                           # its word -> ours
    [words.events]
    [job.report]                             # submit, payload, wrong; or task, args,
                                             # kwargs
    [fallback.run_locally]                   # env with which a submit does this without
    [fallback.refuse]                        # a broker; empty where it always does
    [flag.on]                                # env with which new jobs go to workers,
    [flag.off]                               # and with which they go the old way
    [schedule.clean_up]                      # what makes a run long: litter, files
    [bounds."terminal.every-exit"]           # a contract's bounds, in seconds
    [container]                              # for --engine container: image, user, ...

CELERY_BROKER_URL and CELERY_RESULT_BACKEND are always set. A key that is not known is
refused with the nearest one that is. In pyproject.toml all of it stands under
`[tool.queueproof]`: `[tool.queueproof.env]`, and so on.
"""

import tomllib
from pathlib import Path
from typing import Any

from harness.errors import TargetError
from harness.target import Target
from harness.target_table import from_table

PYPROJECT = "pyproject.toml"

#: Where a description is looked for when none is named, in this order.
PLACES = (
    "queueproof.toml",
    "[tool.queueproof] in pyproject.toml",
    "scenarios/target.toml",
)


def load(path: Path | str) -> Target:
    """Read a target description.

    Raises:
        TargetError: no such file, not TOML, an unknown key or a wrong value; names
            file, key and value, and says what to do.
    """
    path = Path(path)
    table = read_table(path)
    try:
        return from_table(table, path.resolve().parent)
    except TargetError as error:
        raise TargetError(f"{path}: {error}") from None


def read_table(path: Path) -> dict[str, Any]:
    """Return the table a target file holds, unchecked; TargetError where it is none.

    Of a pyproject.toml that is `[tool.queueproof]`.
    """
    table = _read(path)
    if path.name != PYPROJECT:
        return table
    own = _own_table(table)
    if own is None:
        raise TargetError(f"{path} has no table [tool.queueproof]. Add it.")
    return own


def find_target(folder: Path) -> Path | None:
    """Return the file that describes a folder's application: the first of PLACES.

    Raises:
        TargetError: pyproject.toml must be looked into, and is not TOML.
    """
    own, pyproject = folder / "queueproof.toml", folder / PYPROJECT
    if own.is_file():
        return own
    if pyproject.is_file() and _own_table(_read(pyproject)) is not None:
        return pyproject
    beside = folder / "scenarios" / "target.toml"
    return beside if beside.is_file() else None


def need_target(folder: Path) -> Path:
    """Return what `find_target` does; raises TargetError where there is nothing."""
    found = find_target(folder)
    if found is None:
        raise TargetError(
            f"No description of the application lies in {folder}, neither "
            f"{' nor '.join(PLACES)}. "
            "Write one (`queueproof init` does), or name it by --target."
        )
    return found


def _own_table(pyproject: dict[str, Any]) -> dict[str, Any] | None:
    own = pyproject.get("tool", {}).get("queueproof")
    return own if isinstance(own, dict) else None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TargetError(f"No target description at {path}. Write one.") from None
    except tomllib.TOMLDecodeError as error:
        raise TargetError(f"{path} is not TOML: {error}. Correct that line.") from error
