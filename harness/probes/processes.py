"""Finds processes, and watches them for their end."""

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.engines import Engine, ProcessId
from harness.recorder import Recorder

if TYPE_CHECKING:  # the stack itself uses the probes of single nouns
    from harness.stack import Stack

#: How a probe task marks that it has started a process.
CHILD = "child "

#: Seconds between two looks: how exactly an end is dated.
EVERY_S = 0.02

#: A zombie only waits to be reaped: its work and its memory are gone.
GONE_STATES = (None, "Z", "X")


@dataclass(frozen=True)
class _Watched:
    process: ProcessId
    role: str
    job: str | None


class Watcher:
    """One background thread that records `probe.gone` for each process it is given."""

    def __init__(self, engine: Engine, history: Recorder) -> None:
        self._engine = engine
        self._history = history
        self._watched: set[_Watched] = set()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(
        self, process: ProcessId, *, role: str = "", job: str | None = None
    ) -> None:
        """Begin to watch; a process that is gone already is recorded at once."""
        with self._lock:
            self._watched.add(_Watched(process, role, job))
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._look, name="queueproof-watcher", daemon=True
                )
                self._thread.start()

    def close(self) -> None:
        """End the thread; what still lives is not recorded."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(EVERY_S):
            with self._lock:
                watched = set(self._watched)
            for entry in watched:
                if is_gone(self._engine, entry.process):
                    self._history.record(
                        "probe",
                        "gone",
                        entry.job,
                        pid=entry.process.pid,
                        pid_start=entry.process.start_time,
                        pid_ns=entry.process.pid_namespace,
                        role=entry.role,
                    )
                    with self._lock:
                        self._watched.discard(entry)


def is_gone(engine: Engine, process: ProcessId) -> bool:
    """Whether the process has ended; a zombie has."""
    return engine.state(process) in GONE_STATES


def below(stack: "Stack", parent: ProcessId | None) -> dict[ProcessId, str]:
    """Return {process: name} of all that live below this one, in any part."""
    for part in stack.processes():
        infos = stack.engine.tree(part)
        found = [info for info in infos if info.id == parent]
        for above in found:
            found += [info for info in infos if info.parent == above.id.pid]
        if found:
            living = [info for info in found[1:] if info.state not in GONE_STATES]
            return {info.id: info.name for info in living}
    return {}


def named(stack: "Stack", job: str) -> dict[ProcessId, str]:
    """Return {process: ""} of those that the job's marks name and that live."""
    found = {}
    for line in stack.executions.lines("ledger", job):
        name = str(line.get("name"))
        if line.get("what") == "mark" and name.startswith(CHILD):
            pid = int(name.removeprefix(CHILD))
            process = stack.engine.identify(pid, str(line.get("pid_ns") or ""))
            if process is not None and not is_gone(stack.engine, process):
                found[process] = ""
    return found
