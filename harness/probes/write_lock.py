"""Whether somebody keeps a SQLite database, so that nobody else can write to it."""

import sqlite3
from contextlib import closing
from pathlib import Path


def is_kept(file: Path, *, for_s: float) -> bool:
    """Return whether the database cannot be written to for so long; False without one.

    Raises:
        sqlite3.Error: it is no database.
    """
    if not file.is_file():
        return False
    address = f"{file.resolve().as_uri()}?mode=rw"
    with closing(
        sqlite3.connect(address, uri=True, timeout=for_s, isolation_level=None)
    ) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            return True
        connection.execute("ROLLBACK")
        return False
