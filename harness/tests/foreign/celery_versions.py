"""A virtual environment for each end of the range of Celery versions we support.

Made once from the pinned file beside this one, with the interpreter of the tests, and
kept in `.qp/venvs`; its name holds all that it was made from.
"""

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
CACHE = HERE.parents[2] / ".qp" / "venvs"


def python_with(celery: str) -> str:
    """Return an interpreter that has this version, installed at first use (15 s)."""
    pins = HERE / f"celery-{celery}.txt"
    made_from = f"{sys.version} {sys.executable} {pins.read_text()}"
    folder = CACHE / hashlib.sha256(made_from.encode()).hexdigest()[:16]
    python, done = folder / "bin" / "python", folder / "installed"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            _run(sys.executable, "-m", "venv", "--clear", "--without-pip", folder)
            _run(sys.executable, "-m", "pip", "--python", python, "install", "-r", pins)
            done.touch()
    return str(python)


def _run(*words: str | Path) -> None:
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
