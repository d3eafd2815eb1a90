"""The image of the reference application, built from the Dockerfile beside this."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from ci.images.contents import Copy, digest, tree
from ci.images.engine import LABEL

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
WHEELS = HERE / "wheels"

#: What the Dockerfile copies.
INPUTS = ("pyproject.toml", "constraints.txt", "ci/no_cuda.py", "ci/images/Dockerfile")

#: Passed on to pip in the build, where this machine sets them.
INDEXES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL")


def reference(base: str) -> str:
    """Return name and tag; the tag is the hash of the base and of what is copied."""
    contents = tree(ROOT / "reference_app", without=frozenset({"tests"}))
    contents |= {name: Copy(ROOT / name) for name in INPUTS}
    return f"queueproof-app:{digest(contents, (base,))}"


def build(image: str, base: str) -> None:
    """Build it on this base, with the torch that pip finds on this machine.

    A build sees neither pip's configuration nor folders of this machine, and torch from
    a plain index is the CUDA build of several GB; so its wheel goes along.
    """
    pinned = re.search(r"^torch==\S+$", (ROOT / "constraints.txt").read_text(), re.M)
    if pinned is None:
        raise LookupError("constraints.txt pins no torch")
    pip = [sys.executable, "-m", "pip", "--quiet"]
    download = ["download", "--no-deps", "--dest", str(WHEELS), pinned.group()]
    try:
        subprocess.run([*pip, *download], stdout=sys.stderr, check=True)
        subprocess.run(_docker_build(image, base), stdout=sys.stderr, check=True)
    finally:
        shutil.rmtree(WHEELS, ignore_errors=True)


def _docker_build(image: str, base: str) -> list[str]:
    # The wheel is there: no other index is asked, unless this machine names one.
    arguments = {"BASE_IMAGE": base, "PIP_EXTRA_INDEX_URL": ""}
    arguments |= {name: os.environ[name] for name in INDEXES if name in os.environ}
    return [
        *("docker", "build", "--quiet", "--force-rm", "--tag", image),
        *("--label", f"{LABEL}=queueproof-app", "--file", str(HERE / "Dockerfile")),
        *(f"--build-arg={name}={value}" for name, value in arguments.items()),
        str(ROOT),
    ]
