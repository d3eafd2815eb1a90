"""The base images: `pytest ci/images/tests`, after `eval "$(ci/images/make)"`.

Not among the test paths of pyproject.toml: these need an engine, and fail without one.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

#: Seconds a container may take; it needs one or two, and torch three more.
WITHIN_S = 60


def in_container(image_variable, *command, mount=()):
    """Return what the command printed in a container of the image."""
    mounts = [part for path in mount for part in ("--volume", f"{path}:{path}:ro")]
    done = subprocess.run(
        [
            *("docker", "run", "--rm", "--init"),
            *(*mounts, os.environ[image_variable], *command),
        ],
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_redis_is_the_server_of_this_machine():
    assert "v=" in in_container("QUEUEPROOF_REDIS_IMAGE", "redis-server", "--version")


def test_python_is_the_interpreter_of_this_machine():
    program = "import sys; print(sys.version, sys.base_prefix)"
    version = in_container("QUEUEPROOF_PYTHON_IMAGE", "python3", "-c", program)
    assert version.strip() == f"{sys.version} {sys.base_prefix}"


@pytest.mark.parametrize(
    "modules",
    [
        "ssl, sqlite3, ctypes, lzma, bz2, zlib, readline, curses, uuid",
        "torch, numpy, tokenizers",
        "celery, redis, sqlalchemy",
    ],
)
def test_the_mounted_environment_imports(modules):
    # Of a link, the folder that it leads to.
    environment = Path(sys.prefix).resolve()
    python = str(environment / "bin" / "python")
    seen = in_container(
        "QUEUEPROOF_PYTHON_IMAGE",
        *(python, "-c", f"import {modules}; print('imported')"),
        mount=[environment],
    )
    assert seen == "imported\n"


def test_a_user_without_rights_can_work_and_resolve_names():
    program = (
        "import socket, tempfile, zoneinfo; tempfile.TemporaryFile();"
        "zoneinfo.ZoneInfo('Europe/Zurich'); print(socket.gethostbyname('localhost'))"
    )
    seen = in_container("QUEUEPROOF_PYTHON_IMAGE", "python3", "-c", program)
    assert seen == "127.0.0.1\n"


def test_modules_of_the_library_are_compiled_already():
    program = (
        "import os, pathlib, asyncio;"
        "cached = pathlib.Path(asyncio.__cached__); source = os.stat(asyncio.__file__);"
        "print(int.from_bytes(cached.read_bytes()[8:12], 'little') == "
        "int(source.st_mtime))"
    )
    seen = in_container("QUEUEPROOF_PYTHON_IMAGE", "python3", "-c", program)
    assert seen == "True\n"
