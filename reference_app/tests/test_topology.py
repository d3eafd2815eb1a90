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
REQUEST = {
    "sae_id": "storyteller-layer1-topk",
    "prompt": "Once upon a time",
    "features": [{"feature_idx": 1, "strengths": [1.0]}],
}


@pytest.fixture
def serve(process, until):
    """Return what starts an API: its process, and a client of it."""
    clients = []

    def start():
        port = embedded_redis.free_port()
        api = process("api", "--port", str(port))
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1")
        clients.append(client)

        def answers():
            try:
                return client.get("/health").is_success
            except httpx.TransportError:
                return False

        until(answers, "the API answers")
        return api, client

    yield start
    for client in clients:
        client.close()


@pytest.mark.feature("S2-06")
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


@pytest.mark.feature("S2-05")
def test_one_worker_as_it_comes_serves_every_queue(process, sleepers, until):
    process("worker", "-I", "reference_app.tests.sleepers")
    sent = [sleepers.send(1, row.name)[0] for row in QUEUES]
    sleepers.wake(*sent)
    until(lambda: len(sleepers.ended()) == len(sent), "a task of each queue", 120)
    assert sorted(sleepers.ended()) == sorted(sent)


@pytest.mark.feature("S2-11")
def test_a_worker_that_is_rolled_loses_and_doubles_no_task(
    process, sleepers, serve, until
):
    _, api = serve()
    said = []

    def meanwhile(condition, what):
        """Wait, and read all the while; then submit."""
        until(lambda: said.append(api.get("/jobs").status_code) or condition(), what)
        said.append(api.post("/steering/compare", json=REQUEST).status_code)

    old = process("worker", *STUDIO, "-c", "1")
    sent = sleepers.send(3)
    meanwhile(lambda: len(sleepers.started()) == 1, "one runs on the old worker")
    process("worker", *STUDIO, "-c", "1")
    meanwhile(lambda: len(sleepers.started()) == 2, "one runs on the new one")
    old.terminate()
    sleepers.wake(*sent)
    meanwhile(lambda: len(sleepers.ended()) == 3, "all three")
    meanwhile(lambda: old.poll() is not None, "the old worker leaves")
    assert old.returncode == 0
    assert sorted(sleepers.started()) == sorted(sleepers.ended()) == sorted(sent)
    assert set(said) == {202, 200}


@pytest.mark.feature("S2-12")
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


@pytest.mark.feature("S0-24")
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


@pytest.mark.feature("S0-24")
def test_a_solo_worker_says_what_it_ignores(process, sleepers, until, tmp_path):
    process("worker", *STUDIO, "-P", "solo")
    sleepers.wake(*sleepers.send(2))
    until(lambda: len(sleepers.ended()) == 2, "both")
    assert len(set(sleepers.processes())) == 1
    (log,) = tmp_path.glob("worker-*.log")
    assert "The pool solo ignores what is declared: --max-tasks-per-child" in (
        log.read_text()
    )


@pytest.mark.feature("S2-07")
def test_the_api_runs_neither_worker_nor_beat_and_submits_without_them(sleepers, serve):
    process, api = serve()
    answer = api.post("/steering/compare", json=REQUEST)
    assert answer.status_code == 202
    assert psutil.Process(process.pid).children(recursive=True) == []
    assert sleepers.waiting("steering") == 1
    job = answer.json()["task_id"]
    assert api.get(f"/steering/result/{job}").json()["state"] == "pending"
    with redis.Redis.from_url(settings().celery_broker_url) as broker:
        assert broker.smembers("_kombu.binding.celery.pidbox") == set()


@pytest.mark.feature("S2-08")
def test_api_and_worker_find_the_broker_by_the_same_variables(
    process, serve, configured, redis_port, monkeypatch, until
):
    full_url = settings().celery_broker_url
    for name in ("CELERY_BROKER_URL", "CELERY_RESULT_BACKEND", "EVENTS_URL"):
        monkeypatch.delenv(name)
    configured(
        CELERY_REDIS_HOST="127.0.0.1",
        CELERY_REDIS_PORT=redis_port,
        CELERY_REDIS_BROKER_DB=5,
        CELERY_REDIS_BACKEND_DB=6,
        CELERY_REDIS_EVENTS_DB=7,
        STEERING_RATE_LIMIT=0,
    )
    process("worker", *STUDIO)
    _, api = serve()
    with (
        redis.Redis(port=redis_port) as server,
        redis.Redis(port=redis_port, db=5) as db,
    ):

        def waits_there():
            waiting = [c["db"] for c in server.client_list() if c["cmd"] == "brpop"]
            return waiting == ["5"]

        until(waits_there, "the worker waits for messages of database 5")
        assert api.post("/steering/compare", json=REQUEST).status_code == 202
        assert (db.llen("steering"), server.llen("steering")) == (1, 0)
        # A full URL wins
        configured(CELERY_BROKER_URL=full_url)
        _, api = serve()
        assert api.post("/steering/compare", json=REQUEST).status_code == 202
        assert (db.llen("steering"), server.llen("steering")) == (1, 1)


@pytest.mark.feature("S2-01")
@pytest.mark.parametrize(
    ("arguments", "mode", "role"),
    [
        (["beat"], "worker", "beat"),
        ([], "beat", "beat"),
        ([], "web", "worker"),
        (["baet"], "beat", "worker"),
    ],
)
@pytest.mark.usefixtures("configured")
def test_the_entry_becomes_what_it_is_told_and_else_a_worker(
    until, arguments, mode, role
):
    command = [sys.executable, ROOT / "reference_app" / "run.py", *arguments]
    run = subprocess.Popen(
        command, env=os.environ | {"RUN_MODE": mode}, stderr=subprocess.DEVNULL
    )
    try:
        line = psutil.Process(run.pid).cmdline
        until(lambda: line()[1:3] == ["-m", "reference_app"], "it has become a process")
        assert line()[3] == role
    finally:
        run.kill()
        run.wait()


@pytest.mark.feature("S2-01", "S2-03")
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
