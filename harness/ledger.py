"""Reads what processes under test wrote: the witness's ledger, the app's journal.

Both are folders of append-only JSON-lines files, one per process. A torn last line is
left for the next look; it is complete then, or never will be.
"""

import json
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.engines import ProcessId
from harness.observation import Told

Line = Mapping[str, Any]


class Folder:
    """Follows one folder; each line comes out once, in the order of its clock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offsets: dict[str, int] = {}

    def new_lines(self) -> list[Line]:
        """Return the whole lines written since the last call."""
        lines: list[Line] = []
        for file in self._grown():
            seen = self._offsets.get(file, 0)
            with open(file, "rb") as stream:
                stream.seek(seen)
                data = stream.read()
            whole = data[: data.rfind(b"\n") + 1]
            self._offsets[file] = seen + len(whole)
            lines.extend(_parse(whole))
        return sorted(lines, key=lambda line: float(line.get("t_mono", 0.0)))

    def _grown(self) -> list[str]:
        """Return the files with more in them than was read. Cheap: it is polled."""
        try:
            with os.scandir(self.path) as entries:
                return sorted(
                    entry.path
                    for entry in entries
                    if entry.name.endswith(".jsonl")
                    and entry.stat().st_size != self._offsets.get(entry.path, 0)
                )
        except FileNotFoundError:
            return []  # nobody has written yet


def _parse(data: bytes) -> Iterator[Line]:
    for text in data.splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue  # written by a process that died in the middle of it
        if isinstance(line, dict):
            yield line


class Executions:
    """Who runs what, as ledger and journal tell it. Safe to ask from any thread."""

    def __init__(self, ledger: Path, journal: Path) -> None:
        self._folders = {"ledger": Folder(ledger), "journal": Folder(journal)}
        self._lines: dict[str, list[Line]] = {"ledger": [], "journal": []}
        self._of_job: dict[tuple[str, str], list[Line]] = {}
        self._lock = threading.Lock()

    def lines(self, source: str, job: str | None = None) -> list[Line]:
        """Return all lines of "ledger" or "journal" so far, of one job if named."""
        with self._lock:
            for line in self._folders[source].new_lines():
                self._lines[source].append(line)
                key = (source, str(line.get("job")))
                self._of_job.setdefault(key, []).append(line)
            if job is None:
                return list(self._lines[source])
            return list(self._of_job.get((source, job), []))

    def running(self, job: str) -> Line | None:
        """Return the start line of the execution of `job` that has not ended.

        The ledger decides where it knows the job, the journal where it does not (the
        old path runs without Celery).
        """
        for source in ("ledger", "journal"):
            lines = self.lines(source, job)
            starts = [line for line in lines if line.get("what") == "start"]
            if starts:
                return starts[-1] if not _ended(lines, starts[-1]) else None
        return None

    def open_jobs(self) -> set[str]:
        """Return the jobs with an execution that wrote a start and no end."""
        lines = self.lines("ledger") + self.lines("journal")
        started = {
            str(line.get("job")) for line in lines if line.get("what") == "start"
        }
        return {job for job in started if self.running(job) is not None}

    def refused(self) -> list[Line]:
        """Return the connections that the guard refused, each once per process."""
        return [line for line in self.lines("ledger") if line.get("what") == "refused"]

    def ready_workers(self) -> set[ProcessId]:
        """Return the worker main processes that reported ready."""
        return {
            process_of(line)
            for line in self.lines("ledger")
            if line.get("what") == "ready"
        }


def process_of(line: Told) -> ProcessId:
    """Return the process that wrote a line; a journal need not name its namespace."""
    return ProcessId(
        int(line.get("pid") or 0),
        int(line.get("pid_start") or 0),
        str(line.get("pid_ns") or ""),
    )


def _ended(lines: list[Line], start: Line) -> bool:
    later = lines[lines.index(start) + 1 :]
    # The worker's main process writes its "end" (revoked, say) while the child still
    # runs; only the executing process knows.
    return any(
        line.get("what") == "end" and line.get("role") != "parent" for line in later
    )
