"""`python harness/tests/peer/run.py [pytest's arguments]`: the example beside this.

Makes a virtual environment of the pinned packages at first use, in `.qp/venvs`, for
pytest-celery's must not be ours. Needs a container engine and, unless a registry can be
reached, QUEUEPROOF_PYTHON_IMAGE and QUEUEPROOF_REDIS_IMAGE.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
PINS = HERE / "requirements.txt"


def interpreter():
    """Return the interpreter of that environment, which then exists."""
    made_from = f"{sys.version} {sys.executable} {PINS.read_text()}"
    cache = ROOT / ".qp" / "venvs"
    folder = cache / hashlib.sha256(made_from.encode()).hexdigest()[:16]
    python, done = folder / "bin" / "python", folder / "installed"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            pip = [sys.executable, "-m", "pip", "--quiet", "--python", python]
            new = [sys.executable, "-m", "venv", "--clear", "--without-pip", folder]
            subprocess.run(new, stdout=sys.stderr, check=True)
            subprocess.run([*pip, "install", "-r", PINS], stdout=sys.stderr, check=True)
            done.touch()
    return python


def main(arguments):
    """Become pytest here, with the harness and its plugin beside pytest-celery's."""
    python = interpreter()
    os.chdir(HERE)
    # By its module alone: the name is known, too, where this checkout is installed.
    plugin = ("-p", "no:queueproof", "-p", "harness.plugin")
    command = [str(python), "-m", "pytest", *plugin]
    command += ["-p", "no:cacheprovider", *arguments]
    os.execve(python, command, {**os.environ, "PYTHONPATH": f"{ROOT}:{HERE}"})


if __name__ == "__main__":
    main(sys.argv[1:])
