"""Starts again what dies, as a deployment would, and says so in the history."""

import threading
from typing import TYPE_CHECKING

from harness.engines import ProcessId
from harness.errors import EngineError

if TYPE_CHECKING:
    from harness.stack import Stack

#: Seconds between two looks.
EVERY_S = 0.05

#: Parts left dead: a fault stops Redis on purpose, and heals it.
UNSUPERVISED = ("redis", "agent")


class Supervisor:
    """One background thread that looks after the parts of a stack."""

    def __init__(self, stack: "Stack") -> None:
        self._stack = stack
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._supervise, name="queueproof-supervisor", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Start nothing any more; returns when a start under way is over."""
        self._stopping.set()
        self._thread.join()

    def _supervise(self) -> None:
        reported: set[ProcessId] = set()
        while not self._stopping.wait(EVERY_S):
            for process in self._stack.processes():
                code = process.exit_code()
                if code is None or process.id in reported:
                    continue
                reported.add(process.id)
                self._stack.record("exited", process, code=code)
                if process.role in UNSUPERVISED:
                    self._stack.left_dead(process)
                    continue
                try:
                    self._stack.replace(process)
                except EngineError as error:
                    self._stack.record("lost", process, why=str(error))
