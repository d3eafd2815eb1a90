import sqlite3
from contextlib import closing

import pytest

from harness.probes import write_lock


@pytest.fixture
def database(tmp_path):
    file = tmp_path / "jobs.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE jobs (id)")
    return file


def test_a_database_that_nobody_writes_to_is_free_and_stays_so(database):
    assert not write_lock.is_kept(database, for_s=0.01)
    with closing(sqlite3.connect(database, timeout=0)) as connection:
        connection.execute("INSERT INTO jobs VALUES (1)")


def test_one_in_the_middle_of_a_transaction_is_kept_until_it_ends(database):
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("INSERT INTO jobs VALUES (1)")
        assert write_lock.is_kept(database, for_s=0.01)
        connection.commit()
        assert not write_lock.is_kept(database, for_s=0.01)


def test_without_a_database_nobody_keeps_it(tmp_path):
    assert not write_lock.is_kept(tmp_path / "none.db", for_s=0.01)


def test_what_is_no_database_is_an_error(tmp_path):
    file = tmp_path / "jobs.db"
    file.write_bytes(b"not a database, whatever its name says, at all" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        write_lock.is_kept(file, for_s=0.01)
