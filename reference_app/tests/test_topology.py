"""Real processes: who serves what, how many at once, what a change of them costs."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest
import redis

from reference_app import embedded_redis
from reference_app.broker import DEFAULT_QUEUE, QUEUES
from reference_app.settings import settings

ROOT = Path(__file__).parents[2]
STUDIO = ("-Q", DEFAULT_QUEUE, "-I", "reference_app.tests.sleepers")


def test_slots_are_replicas_times_concurrency(process, sleepers, until):
    for _ in range(2):
        process("worker", *STUDIO, "-c", "2")
    sent = sleepers.send(6)
    until(lambda: len(sleepers.started()) == 4, "four sleepers at once")
    assert len(set(sleepers.processes())) == 4
    assert sleepers.waiting() == 2
    sleepers.wake(*sent)
    until(lambda: len(sleepers.ended()) == 6, "all six")
    assert sorted(sleepers.started()) == sorted(sent)


def test_one_worker_as_it_comes_serves_every_queue(process, sleepers, until):
    process("worker", "-I", "reference_app.tests.sleepers")
    sent = [sleepers.send(1, row.name)[0] for row in QUEUES]
    sleepers.wake(*sent)
    until(lambda: len(sleepers.ended()) == len(sent), "a task of each queue", 60)
    assert sorted(sleepers.ended()) == sorted(sent)


def test_a_worker_that_is_rolled_loses_and_doubles_no_task(process, sleepers, until):
    old = process("worker", *STUDIO, "-c", "1")
    sent = sleepers.send(3)
    until(lambda: len(sleepers.started()) == 1, "the first runs on the old worker")
    process("worker", *STUDIO, "-c", "1")
    until(lambda: len(sleepers.started()) == 2, "the second runs on the new one")
    old.terminate()
    sleepers.wake(*sent)
    until(lambda: len(sleepers.ended()) == 3, "all three")
    assert old.wait(20) == 0
    assert sorted(sleepers.started()) == sorted(sleepers.ended()) == sorted(sent)


def test_what_was_queued_before_a_cutover_runs_after_it(process, sleepers, until):
    old = process("worker", *STUDIO, "-c", "1")
    first = sleepers.send(1)
    until(lambda: sleepers.started() == first, "the first runs on the old worker")
    old.terminate()
    second = sleepers.send(1)
    sleepers.wake(*first)
    assert old.wait(20) == 0
    assert sleepers.waiting() == 1
    process("worker", *STUDIO, "-c", "1")
    until(lambda: sleepers.started() == first + second, "the second on the new one")
    sleepers.wake(*second)
    until(lambda: sleepers.ended() == first + second, "both")


@pytest.mark.parametrize(
    ("recycled_after", "different"), [("100", 1), ("2", 2), ("1", 4)]
)
def test_a_child_is_replaced_after_so_many_tasks(
    process, sleepers, until, recycled_after, different
):
    process("worker", *STUDIO, "-c", "1", f"--max-tasks-per-child={recycled_after}")
    sleepers.wake(*sleepers.send(4))
    until(lambda: len(sleepers.ended()) == 4, "all four")
    assert len(set(sleepers.processes())) == different


def test_a_solo_worker_says_what_it_ignores(process, sleepers, until, tmp_path):
    process("worker", *STUDIO, "-P", "solo")
    sleepers.wake(*sleepers.send(2))
    until(lambda: len(sleepers.ended()) == 2, "both")
    assert len(set(sleepers.processes())) == 1
    (log,) = tmp_path.glob("worker-*.log")
    assert "The pool solo ignores what is declared: --max-tasks-per-child" in (
        log.read_text()
    )


def test_the_api_runs_neither_worker_nor_beat_and_submits_without_them(
    process, sleepers, jobs, until
):
    port = embedded_redis.free_port()
    api = process("api", "--port", str(port))
    url = f"http://127.0.0.1:{port}/api/v1"

    def answers():
        try:
            return httpx.get(f"{url}/health").is_success
        except httpx.TransportError:
            return False

    until(answers, "the API answers")
    request = {
        "sae_id": "storyteller-layer1-topk",
        "prompt": "Once upon a time",
        "features": [{"feature_idx": 1, "strengths": [1.0]}],
    }
    answer = httpx.post(f"{url}/steering/compare", json=request)
    assert answer.status_code == 202
    assert psutil.Process(api.pid).children(recursive=True) == []
    assert sleepers.waiting("steering") == 1
    job = answer.json()["task_id"]
    state = httpx.get(f"{url}/steering/result/{job}").json()["state"]
    assert state == "pending"
    with redis.Redis.from_url(settings().celery_broker_url) as broker:
        assert broker.smembers("_kombu.binding.celery.pidbox") == set()


def test_the_file_alone_boots_from_a_foreign_folder(sleepers, until, tmp_path):
    away = tmp_path / "away"
    away.mkdir()
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    with (tmp_path / "run.log").open("wb") as log:
        run = subprocess.Popen(
            [sys.executable, ROOT / "reference_app" / "run.py", *STUDIO],
            cwd=away,
            env=environment | {"RUN_MODE": "worker"},
            stdout=log,
            stderr=log,
        )
    try:
        sent = sleepers.send(1)
        sleepers.wake(*sent)
        until(lambda: sleepers.ended() == sent, "the worker runs a task")
        line = psutil.Process(run.pid).cmdline()
        assert line[1:4] == ["-m", "reference_app", "worker"]
        assert psutil.Process(run.pid).cwd() == str(ROOT)
    finally:
        run.kill()
        run.wait()
    assert list(away.iterdir()) == []
