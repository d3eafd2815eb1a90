"""One entry for one image: `run [worker|beat] [OPTIONS]`, from whatever folder.

As a file, `python /srv/app/reference_app/run.py beat`, it needs nothing on the path: it
goes to the folder the package lies in (or RUN_DIR), puts that first on PYTHONPATH, and
becomes `python -m reference_app worker|beat`. So API, worker and beat, started from
anywhere, mean the same files by the same relative settings.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROLES = ("worker", "beat")

#: Chooses the mode where the command names none.
MODE = "RUN_MODE"

ROOT = Path(__file__).resolve().parents[1]


class Start(NamedTuple):
    """What this process is about to become."""

    arguments: list[str]
    environment: dict[str, str]
    folder: Path


def start(arguments: Sequence[str], environment: Mapping[str, str]) -> Start:
    """Return what to start: the first argument is the mode, if it looks like one.

    Without one RUN_MODE says it; what is no mode means worker, said on standard error.
    """
    named = bool(arguments) and not arguments[0].startswith("-")
    mode, rest = (arguments[0], arguments[1:]) if named else ("", arguments)
    role = _role(mode or environment.get(MODE, ""))
    known = [str(ROOT), *environment.get("PYTHONPATH", "").split(os.pathsep)]
    path = os.pathsep.join(dict.fromkeys(entry for entry in known if entry))
    return Start(
        [sys.executable, "-m", "reference_app", role, *rest],
        {**environment, "PYTHONPATH": path},
        Path(environment.get("RUN_DIR") or ROOT),
    )


def main(arguments: Sequence[str]) -> None:
    """Become that process: its signals and its exit code are its own."""
    what = start(arguments, os.environ)
    os.chdir(what.folder)
    os.execve(what.arguments[0], what.arguments, what.environment)


def _role(mode: str) -> str:
    role = mode.strip().lower()
    if role in ROLES:
        return role
    if role:
        print(  # noqa: T201  # before any logging is set up
            f"run: {mode!r} is no mode, starting a worker. Say {' or '.join(ROLES)}.",
            file=sys.stderr,
        )
    return "worker"


if __name__ == "__main__":
    main(sys.argv[1:])
