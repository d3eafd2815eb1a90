"""The old path on real processes, with no Redis anywhere."""

import asyncio
import itertools
import json
import multiprocessing
import os
import pathlib
import threading
import time

import psutil
import pytest

from reference_app import endings, events, local_events, local_path
from reference_app.jobs import Path, State
from reference_app.patterns.cancel import process_start
from reference_app.settings import settings

WITHIN_S = 60
KINDS = ("quick", "patient", "stubborn", "suicidal", "faulty", "flaky", "starter")
KINDS += ("keeper",)
NUMBERS = itertools.count()
FUNCTIONS = {f"test.{k}": f"reference_app.tests.local_jobs:{k}" for k in KINDS}


@pytest.fixture(scope="module")
def no_redis(tmp_path_factory):
    """The job records of a deployment without any Redis."""
    folder = tmp_path_factory.mktemp("local")
    (folder / "journal").mkdir()
    gone = "redis://127.0.0.1:1"
    variables = {
        "CELERY_BROKER_URL": f"{gone}/0",
        "CELERY_RESULT_BACKEND": f"{gone}/1",
        "EVENTS_URL": f"{gone}/2",
        "DATABASE_URL": f"sqlite:///{folder / 'jobs.db'}",
        "DATA_DIR": folder,
        "JOURNAL_DIR": folder / "journal",
        "PROGRESS_INTERVAL": 0,
        "USE_CELERY": "false",
        "LEASE_SECONDS": 2,
        "CANCEL_TERM_AFTER": 0.2,
        "CANCEL_KILL_AFTER": 0.5,
        "LOCAL_GRACE": 0.2,
        "RETRY_FIRST_PAUSE": 0.2,
    }
    caches = settings, endings._store, endings._client
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, str(value))
        for cache in caches:
            cache.cache_clear()
        yield endings.store()
    for cache in caches:
        cache.cache_clear()


@pytest.fixture(scope="module")
def path(no_redis):
    """One local path for all: each of its processes costs a second."""
    path = local_path.LocalPath(settings(), FUNCTIONS)
    path.start()
    yield path
    path.stop()


def create(jobs, kind, limits=(60.0, 60.0), **values):
    job_id = f"{kind}-{next(NUMBERS)}"
    jobs.create(
        job_id, f"test.{kind}", {"n": 1}, path=Path.LOCAL, limits=limits, **values
    )
    return job_id


def until(condition):
    over_s = time.monotonic() + WITHIN_S
    while not (value := condition()):
        assert time.monotonic() < over_s, "it did not happen in time"
        threading.Event().wait(0.02)
    return value


def ended(jobs, job_id):
    def look():
        job = jobs.get(job_id)
        return job if job.announced else None

    return until(look)


def test_what_a_job_started_ends_with_it(path, no_redis):
    job = ended(no_redis, create(no_redis, "starter"))
    assert job.state is State.COMPLETED
    until(lambda: process_start(job.result["pid"]) is None)


def told(jobs, job_id):
    return [(e["kind"], e["percent"]) for e in local_events.read(jobs, job_id)]


def journal(*job_ids):
    """Return what the jobs wrote, in the order in which it happened."""
    lines = []
    for file in pathlib.Path(settings().journal_dir).iterdir():
        lines += map(json.loads, file.read_text().splitlines())
    lines.sort(key=lambda line: line["t_mono"])
    return [line for line in lines if line["job"] in job_ids]


@pytest.fixture(scope="module")
def ran(path, no_redis):
    """Jobs that ran one after the other, and how each of them ended."""
    ids = {
        "quick": create(no_redis, "quick"),
        "faulty": create(no_redis, "faulty"),
        "after it": create(no_redis, "quick"),
        "soft": create(no_redis, "patient", limits=(0.5, 60.0)),
        "hard": create(no_redis, "stubborn", limits=(0.3, 1.0)),
        "suicidal": create(no_redis, "suicidal", attempts=2),
        "flaky": create(no_redis, "flaky"),
    }
    return {name: ended(no_redis, job_id) for name, job_id in ids.items()}


def test_a_job_runs_in_a_process_of_its_own_and_all_is_told(ran, no_redis):
    first, second = ran["quick"], ran["after it"]
    assert {first.state, second.state} == {State.COMPLETED}
    assert len({first.result["pid"], second.result["pid"], os.getpid()}) == 3
    assert told(no_redis, first.id) == [
        ("progress", 0),
        ("progress", 50),
        ("completed", 100),
    ]
    assert [
        (line["job"], line["path"])
        for line in journal(first.id, second.id)
        if line["what"] == "start"
    ] == [(first.id, "local"), (second.id, "local")]


def test_an_error_fails_the_job_alone(ran, no_redis):
    assert ran["faulty"].error == "KeyError: 'layer 7'"
    assert told(no_redis, ran["faulty"].id) == [("failed", -1)]


def test_the_soft_limit_cleans_up_and_the_hard_limit_kills(ran):
    soft, hard = ran["soft"], ran["hard"]
    assert (soft.reason, hard.reason) == ("soft_time_limit", "hard_time_limit")
    assert process_start(hard.pid) is None
    assert "cleanup" in [line.get("name") for line in journal(soft.id)]
    assert "cleanup" not in [line.get("name") for line in journal(hard.id)]


def test_a_job_that_kills_its_process_is_tried_as_often_as_declared(ran, no_redis):
    row = ran["suicidal"]
    assert (row.state, row.reason, row.attempt) == (State.FAILED, "poison", 2)
    events_of = local_events.read(no_redis, row.id)
    assert [event["attempt"] for event in events_of] == [1, 2, 2]


def test_a_transient_fault_is_tried_again_after_its_pause(ran, no_redis):
    row = ran["flaky"]
    assert (row.state, row.result, row.retries) == (State.COMPLETED, {"attempt": 2}, 1)
    first, second = (e for e in journal(row.id) if e["what"] in ("start",))
    assert second["t_mono"] - first["t_mono"] > 0.1
    assert told(no_redis, row.id) == [("progress", 0), ("completed", 100)]


def test_a_job_is_cancelled_while_it_waits_or_runs_asked_first_killed_last(
    path, no_redis
):
    patient, waiting = create(no_redis, "patient"), create(no_redis, "quick")
    stubborn = create(no_redis, "stubborn")
    until(lambda: told(no_redis, patient))
    no_redis.request_cancel(waiting)
    for job_id in (patient, stubborn):
        until(lambda job_id=job_id: told(no_redis, job_id))
        pid = no_redis.get(job_id).pid
        no_redis.request_cancel(job_id)
        assert ended(no_redis, job_id).state is State.CANCELLED
        until(lambda pid=pid: process_start(pid) is None)
        assert told(no_redis, job_id) == [("progress", 10), ("cancelled", 10)]
    assert journal(waiting) == []


def test_killed_idle_processes_do_not_break_the_path(path, no_redis):
    for process in until(multiprocessing.active_children):
        process.kill()
    assert ended(no_redis, create(no_redis, "quick")).state is State.COMPLETED


def test_a_job_that_no_api_knows_is_failed(path, no_redis):
    no_redis.create("unknown", "gan.train", {}, path=Path.LOCAL)
    assert ended(no_redis, "unknown").reason == "unknown_task"


def test_a_follower_gets_all_events_also_when_it_comes_late(path, no_redis):
    job_id = create(no_redis, "quick")

    async def follow():
        client = events.connect_async(settings())
        got = [event async for event in events.follow(client, no_redis, job_id)]
        await client.aclose()
        return [(event["seq"], event["kind"]) for event in got]

    live = asyncio.run(follow())
    assert live == [(1, "progress"), (2, "progress"), (3, "completed")]
    assert asyncio.run(follow()) == live
    local_events.forget(no_redis, older_than_s=-1)
    assert asyncio.run(follow()) == [(1, "completed")]


def test_two_apis_share_the_work_and_one_that_leaves_hands_its_job_over(path, no_redis):
    other = local_path.LocalPath(settings(), FUNCTIONS)
    other.start()
    both = [create(no_redis, "patient") for _ in range(2)]
    for job_id in both:
        until(lambda job_id=job_id: told(no_redis, job_id))
    pids = {job_id: no_redis.get(job_id).pid for job_id in both}
    other.stop()
    # It gave back what it had, uncounted, and its process is gone
    (handed,) = [i for i in both if no_redis.get(i).state is State.PENDING]
    (kept,) = {*both} - {handed}
    row = no_redis.get(handed)
    assert (row.attempt, row.lost, process_start(pids[handed])) == (1, 0, None)
    no_redis.request_cancel(kept)
    ended(no_redis, kept)
    until(lambda: no_redis.get(handed).attempt == 2)
    no_redis.request_cancel(handed)
    ended(no_redis, handed)
    starts = [e["job"] for e in journal(*both) if e["what"] == "start"]
    assert sorted(starts) == sorted([kept, handed, handed])


def test_one_that_leaves_hands_over_a_frozen_job_that_keeps_the_database(
    path, no_redis
):
    """Else it waits for the database until the job has met its hard limit."""
    busy = create(no_redis, "patient")
    until(lambda: told(no_redis, busy))
    with_grace = settings().model_copy(update={"local_grace": 0.5})
    other = local_path.LocalPath(with_grace, FUNCTIONS)
    other.start()
    job_id = create(no_redis, "keeper", limits=(60.0, 4.5))
    pid = until(lambda: no_redis.get(job_id).pid)
    until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    threading.Event().wait(3 * local_path.LOOK_S)  # whoever looks waits for it now
    other.stop()
    no_redis.request_cancel(busy)
    job = ended(no_redis, job_id)
    assert (job.state, job.attempt, job.lost) == (State.COMPLETED, 2, 0)
