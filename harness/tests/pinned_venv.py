"""Virtual environments of pinned packages that must not be ours.

Made once, with the interpreter of the tests, and kept in `.qp/venvs`; the name of each
holds all that it was made from.
"""

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / ".qp" / "venvs"


def python_with(pins: Path) -> Path:
    """Return the interpreter of the environment, installed at first use (15 s)."""
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
    return python


def _run(*words: str | Path) -> None:
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
