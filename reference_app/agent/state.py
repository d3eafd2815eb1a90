"""What has been done, and from what: the checkpoint of every step.

A unit is what has a folder of its own in the knowledge base (`items/spring-tides`), or
a name (`readme`). Its record says of each step from what it was done (a digest, its
`key`), what came out (`value`), and which files with which digests belong to it.

Promise: a step that was done is not done again while its files are there; however the
process is killed, no file is left that no record knows. The record is written first,
with the digests of what will be written: it counts when the files match. So there is no
moment in which a file is there and its record is not, and no file need be flushed.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from reference_app.agent.files import digest
from reference_app.agent.kb import HIDDEN, KnowledgeBase, to_json

RECORDS = f"{HIDDEN}/records"

#: Raised when a step would make something else of the same input.
FORMAT = 1


def key_of(*parts: Any) -> str:
    """Return the digest of what a step is done from."""
    return digest(to_json([FORMAT, *parts]))


class State:
    """The records of a knowledge base."""

    def __init__(self, kb: KnowledgeBase) -> None:
        self._kb = kb

    def units(self, kind: str) -> list[str]:
        """Return the names of all units of a kind ("items"), sorted."""
        folder = self._kb.root / RECORDS / kind
        return sorted(path.stem for path in folder.glob("*.json"))

    def value(
        self, unit: str, step: str, key: str, forced_by: str | None = None
    ) -> Any:
        """Return what came out of a step, None if it is to be done.

        Args:
            unit: whose record.
            step: the step.
            key: what it would be done from now.
            forced_by: the id of a job that wants it done anew, once.
        """
        done = self._record(unit).get(step)
        if done is None or done["key"] != key:
            return None
        if forced_by is not None and done.get("forced_by") != forced_by:
            return None
        whole = all(
            digest(self._kb.read(path) or b"") == wanted
            for path, wanted in done["files"].items()
        )
        return done["value"] if whole else None

    def last(self, unit: str, step: str) -> Any:
        """Return what came out of a step last time, from whatever; None if nothing."""
        return self._record(unit).get(step, {}).get("value")

    def last_key(self, unit: str, step: str) -> str:
        """Return what a step was done from last time; empty if it was not."""
        return str(self._record(unit).get(step, {}).get("key", ""))

    def finish(
        self,
        unit: str,
        step: str,
        key: str,
        value: Any,
        files: Mapping[str, bytes] | None = None,
        forced_by: str | None = None,
    ) -> None:
        """Write down that a step was done, and write its files."""
        files = files or {}
        record = self._record(unit)
        self._remove(set(_files(record, step)) - set(files))
        done = {
            "key": key,
            "value": value,
            "files": {path: digest(data) for path, data in files.items()},
        }
        if forced_by is not None:
            done["forced_by"] = forced_by
        self._kb.write(_path(unit), to_json(record | {step: done}))
        for path, data in files.items():
            self._kb.write(path, data)

    def drop(self, unit: str, step: str) -> None:
        """Undo a step: its files first, so that none is ever forgotten."""
        record = self._record(unit)
        if step in record:
            self._remove(_files(record, step))
            del record[step]
            self._kb.write(_path(unit), to_json(record))

    def forget(self, unit: str) -> None:
        """Undo a unit: its files, its folder, its record."""
        record = self._record(unit)
        for step in record:
            self._remove(_files(record, step))
        self._kb.remove_folder(unit)
        self._kb.remove(_path(unit))

    def keep_only(self, kind: str, names: Iterable[str]) -> int:
        """Forget all other units of a kind; return how many."""
        gone = sorted(set(self.units(kind)) - set(names))
        for name in gone:
            self.forget(f"{kind}/{name}")
        return len(gone)

    def _remove(self, paths: Iterable[str]) -> None:
        for path in sorted(paths):
            self._kb.remove(path)

    def _record(self, unit: str) -> dict[str, Any]:
        record = self._kb.read_json(_path(unit))
        return record if isinstance(record, dict) else {}


def _files(record: Mapping[str, Any], step: str) -> list[str]:
    return list(record.get(step, {}).get("files", {}))


def _path(unit: str) -> str:
    return f"{RECORDS}/{unit}.json"
