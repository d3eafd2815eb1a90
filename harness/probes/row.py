"""The application's own record of a job, read from its database behind its back."""

import sqlite3
from contextlib import closing
from pathlib import Path

#: Seconds a reader waits for a writer; with a write-ahead log it never does.
BUSY_S = 2.0


def state(file: Path, query: str, job: str) -> str | None:
    """Return the state that the record has, None where there is no such row.

    Raises:
        sqlite3.Error: no such file, or a query that it does not understand.
    """
    address = f"{file.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=BUSY_S)) as connection:
        row = connection.execute(query, (job,)).fetchone()
    return None if row is None else str(row[0])
