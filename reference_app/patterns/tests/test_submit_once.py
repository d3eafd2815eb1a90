from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import (
    Column,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    func,
    insert,
    select,
)
from sqlalchemy.exc import IntegrityError

from reference_app.patterns.submit_once import (
    KeyReused,
    fingerprint,
    release,
    submit_once,
    table,
)

metadata = MetaData()
keys = table("keys", metadata)
jobs = Table("jobs", metadata, Column("id", String(36), primary_key=True))


@pytest.fixture
def engine(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'jobs.db'}")
    event.listen(engine, "connect", lambda c, _: c.execute("PRAGMA journal_mode=WAL"))
    metadata.create_all(engine)
    yield engine
    engine.dispose()


def submit(engine, job_id, request="once upon", key="k", record=None):
    def insert_job(connection):
        connection.execute(insert(jobs).values(id=job_id))

    return submit_once(
        engine,
        keys,
        key=key,
        fingerprint=fingerprint(request),
        job_id=job_id,
        record=record or insert_job,
    )


def count(engine, of=jobs):
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(of)).scalar()


def test_the_first_records_its_job_and_the_second_gets_its_id(engine):
    assert submit(engine, "a") == "a"
    assert submit(engine, "b") == "a"
    assert count(engine) == 1


def test_of_many_at_once_one_records(engine):
    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(lambda n: submit(engine, f"job-{n}"), range(16)))
    assert len(ids) == 1
    assert count(engine) == 1


def test_other_keys_are_other_jobs(engine):
    assert submit(engine, "a", key="k") == "a"
    assert submit(engine, "b", key="l") == "b"


def test_a_key_with_another_request_is_refused(engine):
    submit(engine, "a", request={"n": 1, "m": 2})
    assert submit(engine, "b", request={"m": 2, "n": 1}) == "a"
    with pytest.raises(KeyReused, match="'k'"):
        submit(engine, "c", request={"n": 2})


def test_when_the_job_cannot_be_recorded_the_key_is_free(engine):
    def fails(connection):
        raise ValueError("no room")

    with pytest.raises(ValueError, match="no room"):
        submit(engine, "a", record=fails)
    assert count(engine, keys) == 0
    assert submit(engine, "b") == "b"


def test_a_clash_of_the_jobs_own_is_not_taken_for_one_of_the_key(engine):
    submit(engine, "a", key="k")
    with pytest.raises(IntegrityError):
        submit(engine, "a", key="l")
    assert count(engine, keys) == 1


def test_a_released_key_may_be_used_again(engine):
    submit(engine, "a")
    with engine.begin() as connection:
        release(connection, keys, "a")
    assert submit(engine, "b") == "b"
