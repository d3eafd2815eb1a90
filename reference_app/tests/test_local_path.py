"""The old path on real processes, with no Redis anywhere."""

import asyncio
import json
import multiprocessing
import os
import pathlib
import threading
import time

import pytest

from reference_app import endings, events, local_events, local_path
from reference_app.jobs import Path, State
from reference_app.patterns.cancel import process_start
from reference_app.reconcile import Reconciler
from reference_app.settings import settings

WITHIN_S = 15
KINDS = ("quick", "patient", "stubborn", "suicidal", "faulty")
FUNCTIONS = {f"test.{k}": f"reference_app.tests.local_jobs:{k}" for k in KINDS}


@pytest.fixture
def no_redis(jobs, configured):
    gone = "redis://127.0.0.1:1"
    configured(
        CELERY_BROKER_URL=f"{gone}/0",
        EVENTS_URL=f"{gone}/2",
        USE_CELERY="false",
        LEASE_SECONDS=2,
        CANCEL_TERM_AFTER=0.2,
        CANCEL_KILL_AFTER=0.5,
        LOCAL_GRACE=0.2,
    )
    return endings.store()


@pytest.fixture
def path(no_redis):
    path = local_path.LocalPath(settings(), FUNCTIONS)
    path.start()
    yield path
    path.stop()


def create(jobs, kind, job_id="a", limits=(60.0, 60.0), **values):
    jobs.create(
        job_id, f"test.{kind}", {"n": 1}, path=Path.LOCAL, limits=limits, **values
    )
    return job_id


def until(condition, within_s=WITHIN_S):
    over_s = time.monotonic() + within_s
    while not (value := condition()):
        assert time.monotonic() < over_s, "it did not happen in time"
        threading.Event().wait(0.02)
    return value


def ended(jobs, job_id="a"):
    def look():
        job = jobs.get(job_id)
        return job if job.announced else None

    return until(look)


def told(jobs, job_id="a"):
    return [(e["kind"], e["percent"]) for e in local_events.read(jobs, job_id)]


def journal():
    lines = []
    for file in pathlib.Path(settings().journal_dir).iterdir():
        lines += map(json.loads, file.read_text().splitlines())
    return lines


def test_a_job_runs_in_a_process_of_its_own_and_all_is_told(path, no_redis):
    for job_id in "ab":
        create(no_redis, "quick", job_id)
    rows = [ended(no_redis, job_id) for job_id in "ab"]
    assert [row.state for row in rows] == [State.COMPLETED] * 2
    pids = {row.result["pid"] for row in rows}
    assert len(pids) == 2
    assert os.getpid() not in pids
    assert told(no_redis) == [("progress", 0), ("progress", 50), ("completed", 100)]
    ran = [(line["job"], line["path"], line["what"]) for line in journal()]
    assert [line for line in ran if line[2] == "start"] == [
        ("a", "local", "start"),
        ("b", "local", "start"),
    ]


def test_an_error_fails_the_job_and_the_next_one_runs(path, no_redis):
    create(no_redis, "faulty")
    create(no_redis, "quick", "b")
    assert ended(no_redis).error == "KeyError: 'layer 7'"
    assert ended(no_redis, "b").state is State.COMPLETED
    assert told(no_redis) == [("failed", -1)]


def test_the_soft_limit_cleans_up_and_the_hard_limit_kills(path, no_redis):
    create(no_redis, "patient", limits=(0.5, 30.0))
    create(no_redis, "stubborn", "b", limits=(0.3, 1.0))
    assert ended(no_redis).reason == "soft_time_limit"
    pid = until(lambda: no_redis.get("b").pid)
    assert ended(no_redis, "b").reason == "hard_time_limit"
    assert process_start(pid) is None
    assert ("a", "cleanup") in [(line["job"], line.get("name")) for line in journal()]


@pytest.mark.parametrize("kind", ["patient", "stubborn"])
def test_a_running_job_is_cancelled_asked_first_killed_last(path, no_redis, kind):
    create(no_redis, kind)
    until(lambda: told(no_redis))
    pid = no_redis.get("a").pid
    no_redis.request_cancel("a")
    assert ended(no_redis).state is State.CANCELLED
    until(lambda: process_start(pid) is None)
    assert told(no_redis) == [("progress", 10), ("cancelled", 10)]


def test_a_waiting_job_that_is_cancelled_never_starts(path, no_redis):
    create(no_redis, "patient")
    until(lambda: told(no_redis))
    create(no_redis, "quick", "b")
    no_redis.request_cancel("b")
    no_redis.request_cancel("a")
    ended(no_redis)
    create(no_redis, "quick", "c")
    ended(no_redis, "c")
    assert {line["job"] for line in journal()} == {"a", "c"}


def test_a_job_that_kills_its_process_is_tried_as_often_as_declared(path, no_redis):
    create(no_redis, "suicidal", attempts=2)
    row = ended(no_redis)
    assert (row.state, row.reason, row.attempt) == (State.FAILED, "poison", 2)
    events_of = local_events.read(no_redis, "a")
    assert [event["attempt"] for event in events_of] == [1, 2, 2]


def test_a_killed_idle_process_does_not_break_the_path(path, no_redis):
    create(no_redis, "quick")
    ended(no_redis)
    idle = until(multiprocessing.active_children)
    for process in idle:
        process.kill()
    create(no_redis, "quick", "b")
    assert ended(no_redis, "b").state is State.COMPLETED


def test_a_job_that_no_api_knows_is_failed(path, no_redis):
    create(no_redis, "quick")
    no_redis.create("b", "gan.train", {}, path=Path.LOCAL)
    assert ended(no_redis, "b").reason == "unknown_task"


def test_what_an_api_leaves_the_next_one_goes_on_with(no_redis):
    first = local_path.LocalPath(settings(), FUNCTIONS)
    first.start()
    create(no_redis, "patient")
    create(no_redis, "quick", "b")
    until(lambda: told(no_redis))
    pid = no_redis.get("a").pid
    first.stop()
    assert process_start(pid) is None
    row = no_redis.get("a")
    assert (row.state, row.attempt, row.lost) == (State.PENDING, 1, 0)
    second = local_path.LocalPath(settings(), FUNCTIONS)
    second.start()
    until(lambda: no_redis.get("a").attempt == 2)
    no_redis.request_cancel("a")
    assert ended(no_redis, "b").state is State.COMPLETED
    second.stop()


def test_two_apis_share_the_work_and_run_nothing_twice(path, no_redis):
    other = local_path.LocalPath(settings(), FUNCTIONS)
    other.start()
    for n in range(3):
        create(no_redis, "quick", f"job-{n}")
    for n in range(3):
        assert ended(no_redis, f"job-{n}").attempt == 1
    other.stop()
    starts = [line["job"] for line in journal() if line["what"] == "start"]
    assert sorted(starts) == [f"job-{n}" for n in range(3)]


def test_a_follower_gets_all_events_also_when_it_comes_late(path, no_redis):
    async def follow():
        client = events.connect_async(settings())
        got = [event async for event in events.follow(client, no_redis, "a")]
        await client.aclose()
        return [(event["seq"], event["kind"]) for event in got]

    create(no_redis, "quick")
    live = asyncio.run(follow())
    assert live == [(1, "progress"), (2, "progress"), (3, "completed")]
    assert asyncio.run(follow()) == live
    local_events.forget(no_redis, older_than_s=-1)
    assert asyncio.run(follow()) == [(1, "completed")]


def test_a_job_of_a_dead_api_is_noticed_without_redis(no_redis):
    create(no_redis, "patient")
    no_redis.start("a", 1, Path.LOCAL)
    Reconciler(settings()).run()
    assert (no_redis.get("a").reason, no_redis.get("a").announced) == ("lost", True)
