"""The stages of the migration by name: which processes run, and which way jobs go.

before: the flag off, no worker. mixed: two APIs, the flag on in one. after: the flag
on. rolled_back: the flag off again, and the worker stays: it ends what was queued.
All share the settings of the environment; the second API listens one port further on.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType

from reference_app.settings import settings

#: Seconds a process gets between SIGTERM and SIGKILL.
STOP_S = 10.0

#: Seconds between two looks whether all processes live.
LOOK_S = 0.2


@dataclass(frozen=True)
class Stage:
    """One stage.

    Args:
        apis: for each API process, whether its flag is on.
        workers: whether a worker and beat run.
    """

    apis: tuple[bool, ...]
    workers: bool


STAGES = {
    "before": Stage(apis=(False,), workers=False),
    "mixed": Stage(apis=(True, False), workers=True),
    "after": Stage(apis=(True,), workers=True),
    "rolled_back": Stage(apis=(False,), workers=True),
}


@dataclass(frozen=True)
class Process:
    """One process of a stage: its role, and what its environment has beside."""

    role: str
    environment: dict[str, str]


def processes(stage: Stage) -> list[Process]:
    """Return the processes of a stage, in the order in which they are started."""
    found = [
        Process(
            "api",
            {
                "USE_CELERY": str(flag).lower(),
                "API_PORT": str(settings().api_port + number),
            },
        )
        for number, flag in enumerate(stage.apis)
    ]
    if stage.workers:
        found = [Process("worker", {}), Process("beat", {}), *found]
    return found


def describe(stage: Stage) -> str:
    """Return the commands of a stage, a line each, to be put into a deployment."""
    return "\n".join(
        " ".join(
            [f"{k}={v}" for k, v in process.environment.items()]
            + ["python -m reference_app", process.role]
        )
        for process in processes(stage)
    )


def run(stage: Stage) -> int:
    """Run a stage until SIGTERM or SIGINT; 1 if one of its processes ended before."""
    stopping = threading.Event()

    def stop(signum: int, frame: FrameType | None) -> None:
        stopping.set()

    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, stop)
    with contextlib.ExitStack() as running:
        started = [running.enter_context(_started(p)) for p in processes(stage)]
        while not stopping.wait(LOOK_S):
            for process in started:
                if process.poll() is not None:
                    return 1
    return 0


@contextlib.contextmanager
def _started(process: Process) -> Iterator["subprocess.Popen[bytes]"]:
    child = subprocess.Popen(
        [sys.executable, "-m", "reference_app", process.role],
        env=os.environ | process.environment,
        start_new_session=True,  # Ctrl-C is for us; we stop it in order
    )
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait(STOP_S)
