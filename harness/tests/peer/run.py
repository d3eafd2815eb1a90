"""`python harness/tests/peer/run.py [pytest's arguments]`: the example beside this.

Makes a virtual environment of the pinned packages at first use, in `.qp/venvs`, for
pytest-celery's must not be ours. Needs a container engine and, unless a registry can be
reached, QUEUEPROOF_PYTHON_IMAGE and QUEUEPROOF_REDIS_IMAGE.
"""

import os
import sys
from pathlib import Path

from harness.tests.pinned_venv import python_with

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
PINS = HERE / "requirements.txt"


def main(arguments):
    """Become pytest here, with the harness and its plugin beside pytest-celery's."""
    python = python_with(PINS)
    os.chdir(HERE)
    # By its module alone: the name is known, too, where this checkout is installed.
    plugin = ("-p", "no:queueproof", "-p", "harness.plugin")
    command = [str(python), "-m", "pytest", *plugin]
    command += ["-p", "no:cacheprovider", *arguments]
    os.execve(python, command, {**os.environ, "PYTHONPATH": f"{ROOT}:{HERE}"})


if __name__ == "__main__":
    main(sys.argv[1:])
