"""Records of measurements: the latest of each, and all of a commit in one file."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Record = Mapping[str, Any]


def commit() -> str:
    """Return the commit that is measured, with "-dirty" where something is changed."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"


def keep(record: Record, folder: Path, commit: str) -> None:
    """Write a record to `NAME.json`, and into the file of its commit."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(record) + "\n"
    (folder / f"{record['name']}.json").write_text(text, encoding="utf-8")
    path = _file(folder, commit)
    path.parent.mkdir(exist_ok=True)
    found = {**_read(path), record["name"]: record}
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def last(folder: Path, commit: str) -> dict[str, Record]:
    """Return {name: record} of other commits, of each measurement the latest."""
    files = (folder / "commits").glob("*.json")
    found: dict[str, Record] = {}
    for path in sorted(files, key=lambda path: path.stat().st_mtime):
        if path != _file(folder, commit):
            found.update(_read(path))
    return found


def _file(folder: Path, commit: str) -> Path:
    return folder / "commits" / f"{commit}.json"


def _read(path: Path) -> dict[str, Record]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}  # none yet, or cut off: it is written again
