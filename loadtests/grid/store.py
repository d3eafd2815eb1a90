"""Measured cells on disk: one file each, so that a run that was stopped goes on."""

import csv
import hashlib
import io
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from loadtests.grid.record import QUANTILES, Measured, Planned
from loadtests.grid.summary import summarize

#: Version of grid.json; a change that breaks a reader makes it one more.
SCHEMA = 1

#: Fields that a repeat is found by; `asked_s` follows from `service`.
_IDENTITY = [field.name for field in fields(Planned) if field.name != "asked_s"]

#: Columns of grid.csv: fields that are one value, what follows from them, the rest.
_PARTS = ("backlog", "wait_s", "failures")
_SINGLE = [field.name for field in fields(Measured) if field.name not in _PARTS]
_SINGLE += ["slots", "ideal", "efficiency", "between_s"]
_COLUMNS = [*_SINGLE, *(f"wait_{q}_s" for q in QUANTILES), "failed", "failures"]


def key(planned: Planned) -> str:
    """Return the name of its file, without ending: readable, and no other cell's.

    The digest at the end tells apart what the readable part writes alike.
    """
    identity = {name: getattr(planned, name) for name in _IDENTITY}
    digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:8]
    closed = planned.arrivals is None
    words = (
        planned.app,
        planned.through,
        planned.engine,
        f"{planned.replicas}x{planned.concurrency}",
        f"prefetch-{planned.prefetch}",
        f"acks-{planned.acks}",
        planned.service,
        f"{planned.payload_bytes}B",
        "closed" if closed else f"open-{planned.arrivals:g}",
        f"repeat-{planned.repeat}",
    )
    safe = [re.sub(r"[^A-Za-z0-9.-]+", "-", word)[:40].strip(".-") for word in words]
    return "_".join([*safe, digest])


def save(out: Path, measured: Measured) -> Path:
    """Keep a record in its file, wholly or not at all; return the file."""
    path = _path(out, measured)
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, json.dumps(measured.to_json(), indent=1) + "\n")
    return path


def kept(out: Path, planned: Planned) -> Measured | None:
    """Return what was measured of this cell and repeat; None where nothing was.

    Raises:
        ValueError: its file holds no record; the message names the file.
    """
    path = _path(out, planned)
    return _read(path) if path.exists() else None


def load(out: Path) -> list[Measured]:
    """Return all records that are kept, in the order of their files' names.

    Raises:
        ValueError: a file holds no record; the message names the file.
    """
    return [_read(path) for path in sorted((out / "cells").glob("*.json"))]


def write_tables(
    out: Path, records: Sequence[Measured], facts: Mapping[str, Any]
) -> list[Path]:
    """Write grid.json, with facts, summaries and records, and grid.csv; return both.

    The CSV has a row per repeat and all but the backlog.
    """
    told = {
        "schema": SCHEMA,
        "facts": dict(facts),
        "cells": [cell.to_json() for cell in summarize(records)],
        "measured": [record.to_json() for record in records],
    }
    write(out / "grid.json", json.dumps(told, indent=1, default=str) + "\n")
    table = io.StringIO(newline="")
    rows = csv.DictWriter(table, _COLUMNS, lineterminator="\n")
    rows.writeheader()
    rows.writerows(map(_row, records))
    write(out / "grid.csv", table.getvalue())
    return [out / "grid.json", out / "grid.csv"]


def write(path: Path, text: str) -> None:
    """Write a file that is never seen half written."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _row(record: Measured) -> dict[str, Any]:
    known = {name: getattr(record, name) for name in _SINGLE}
    waits = {f"wait_{q}_s": record.wait_s[q] for q in QUANTILES}
    failures = record.failures
    told = "; ".join(f"{count} {name}" for name, count in sorted(failures.items()))
    return known | waits | {"failed": sum(failures.values()), "failures": told}


def _path(out: Path, planned: Planned) -> Path:
    return out / "cells" / f"{key(planned)}.json"


def _read(path: Path) -> Measured:
    try:
        return Measured.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
