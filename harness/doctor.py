"""What this machine can run, what is missing, and how to get it; changes nothing."""

import importlib.util
import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.errors import EngineError

#: What a finding means: there; missing, and something asked for needs it; missing, and
#: only what it names goes without.
OK, MISSING, OPTIONAL = "ok", "missing", "optional"

#: Seconds a program may take to tell its version.
ANSWER_WITHIN_S = 10.0

#: Where the container engine listens unless DOCKER_HOST says otherwise.
DOCKER_SOCKET = "/var/run/docker.sock"


@dataclass(frozen=True)
class Finding:
    """One thing looked for: what it is for, what was found, how to get it."""

    what: str
    needed_for: str
    state: str
    found: str
    remedy: str = ""


def findings(python: str = sys.executable) -> list[Finding]:
    """Return all findings; `python` is the interpreter of the application."""
    return list(_findings(python))


def can_run(found: list[Finding]) -> bool:
    """Whether the default engine can run here."""
    return all(finding.state != MISSING for finding in found)


def _findings(python: str) -> Iterator[Finding]:
    yield _kernel()
    yield _redis()
    yield _celery(python)
    yield _cores()
    yield _module("docker", "testcontainers", extra="containers")
    yield _docker()
    yield _module("locust", extra="load", needed_for="load runs")
    yield _gpu()


def _kernel() -> Finding:
    there = Path("/proc/self/stat").exists()
    return Finding(
        "Linux /proc",
        "engine process",
        OK if there else MISSING,
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "" if there else "Run queueproof in a Linux container or virtual machine.",
    )


def _redis() -> Finding:
    from harness.engines.redis_server import find_redis_server

    what, needed_for = "Redis server", "engine process"
    try:
        binary = find_redis_server()
    except EngineError as error:
        return Finding(what, needed_for, MISSING, "none", str(error))
    version = _first_line([str(binary), "--version"]) or "does not tell its version"
    return Finding(what, needed_for, OK, f"{version} ({binary})")


def _celery(python: str) -> Finding:
    what, needed_for = "Celery", f"the application ({python})"
    code = "import celery, kombu, redis; print(celery.__version__)"
    version = _first_line([python, "-c", code])
    if version is None:
        remedy = f"{python} -m pip install 'celery[redis]', or name another interpreter"
        return Finding(what, needed_for, MISSING, "cannot be imported", remedy)
    return Finding(what, needed_for, OK, version)


def _cores() -> Finding:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    load = os.getloadavg()[0]
    busy = load > cores
    return Finding(
        "processors",
        "verdicts about time",
        OPTIONAL if busy else OK,
        f"{cores}, load {load:.1f}",
        "Wait until the machine is quiet: late answers become inconclusive."
        if busy
        else "",
    )


def _module(*names: str, extra: str, needed_for: str = "engine container") -> Finding:
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    return Finding(
        " and ".join(names) + " (Python)",
        needed_for,
        OPTIONAL if missing else OK,
        f"not installed: {', '.join(missing)}" if missing else "installed",
        f"pip install 'queueproof[{extra}]'" if missing else "",
    )


def _docker() -> Finding:
    what, needed_for = "container engine", "engine container"
    host = os.environ.get("DOCKER_HOST", f"unix://{DOCKER_SOCKET}")
    remedy = (
        "Install Docker and start it; on Debian as root: apt-get install docker.io. "
        "Set DOCKER_HOST where it listens elsewhere."
    )
    if not host.startswith("unix://"):
        return Finding(what, needed_for, OK, f"DOCKER_HOST={host}, not asked")
    try:
        answer = _ping(host.removeprefix("unix://"))
    except OSError as error:
        return Finding(what, needed_for, OPTIONAL, f"{host}: {error.strerror}", remedy)
    if not answer.startswith("HTTP/1.1 200"):
        return Finding(what, needed_for, OPTIONAL, f"{host}: {answer!r}", remedy)
    return Finding(what, needed_for, OK, f"answers at {host}")


def _ping(path: str) -> str:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(ANSWER_WITHIN_S)
        client.connect(path)
        client.sendall(b"GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n")
        return client.recv(256).decode(errors="replace").partition("\r\n")[0]


def _gpu() -> Finding:
    program = shutil.which("nvidia-smi")
    told = _first_line([program, "-L"]) if program else None
    return Finding(
        "GPU",
        "contracts about GPU memory",
        OK if told else OPTIONAL,
        told or "none",
        "" if told else "Not needed: process memory stands for the device.",
    )


def _first_line(command: list[str]) -> str | None:
    """Return the first line a program prints, None where it fails."""
    try:
        run = subprocess.run(
            command, capture_output=True, text=True, timeout=ANSWER_WITHIN_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = run.stdout.strip().splitlines()
    return lines[0] if run.returncode == 0 and lines else None
