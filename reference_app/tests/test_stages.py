"""The processes of a stage as they are deployed; the first needs no Redis."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import httpx
import psutil
import pytest

from reference_app import embedded_redis, stages

WITHIN_S = 120

REQUEST = {
    "sae_id": "storyteller-layer1-topk",
    "prompt": "The storm",
    "features": [{"feature_idx": 0, "strengths": [1.0]}],
    "max_new_tokens": 10,
    "seed": 7,
}
LONG = REQUEST | {"max_new_tokens": 100, "num_samples": 256}


def test_each_stage_says_which_way_new_jobs_go_and_who_runs():
    def roles(name):
        found = stages.processes(stages.STAGES[name])
        return [(p.role, p.environment.get("USE_CELERY")) for p in found]

    workers = [("worker", None), ("beat", None)]
    assert roles("before") == [("api", "false")]
    assert roles("mixed") == [*workers, ("api", "true"), ("api", "false")]
    assert roles("after") == [*workers, ("api", "true")]
    assert roles("rolled_back") == [*workers, ("api", "false")]


def test_a_stage_can_be_shown_as_commands(configured):
    configured(API_PORT=9000)
    shown = stages.describe(stages.STAGES["mixed"]).splitlines()
    assert shown[-1] == "USE_CELERY=false API_PORT=9001 python -m reference_app api"


@contextlib.contextmanager
def stage(name, folder, **environment):
    port = embedded_redis.free_port()
    gone = "redis://127.0.0.1:1"
    process = subprocess.Popen(
        [sys.executable, "-m", "reference_app", "stage", name],
        env=os.environ
        | {
            "CELERY_BROKER_URL": f"{gone}/0",
            "CELERY_RESULT_BACKEND": f"{gone}/1",
            "EVENTS_URL": f"{gone}/2",
            "DATABASE_URL": f"sqlite:///{folder / 'jobs.db'}",
            "DATA_DIR": str(folder),
            "JOURNAL_DIR": "",
            "API_PORT": str(port),
            "LEASE_SECONDS": "1",
            "RECONCILE_INTERVAL": "0.2",
            **environment,
        },
    )
    api = httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=10)
    try:
        with api:
            until(lambda: answers(api))
            yield process, api
    finally:
        process.terminate()
        process.wait(WITHIN_S)


def answers(api):
    with contextlib.suppress(httpx.TransportError):
        return api.get("/health").is_success


def until(condition):
    over_s = time.monotonic() + WITHIN_S
    while not (value := condition()):
        assert time.monotonic() < over_s, "it did not happen in time"
        threading.Event().wait(0.2)
    return value


def read(api, task_id):
    return api.get(f"/steering/result/{task_id}").raise_for_status().json()


def ended(api, task_id):
    words = ("completed", "failed", "cancelled")

    def look():
        body = read(api, task_id)
        return body if body["status"] in words else None

    return until(look)


def submit(api, request=REQUEST):
    answer = api.post("/steering/compare", json=request)
    assert answer.status_code == 202, answer.text
    return answer.json()["task_id"]


@pytest.mark.feature("S4-02")
def test_before_the_migration_all_works_without_redis_also_when_the_api_is_killed(
    tmp_path,
):
    with stage("before", tmp_path) as (process, api):
        result = ended(api, submit(api))
        assert (result["status"], result["progress"]) == ("completed", 100)
        assert result["result"]["steered"][0]["text"]
        # A killed API takes its jobs with it
        task_id = submit(api, LONG)
        until(lambda: read(api, task_id)["progress"] > 0)
        everybody = psutil.Process(process.pid).children(recursive=True)
        (server,) = psutil.Process(process.pid).children()
        server.send_signal(signal.SIGKILL)
        until(lambda: not any(p.is_running() for p in everybody if p != server))
        assert process.wait(WITHIN_S) == 1
    assert pathlib.Path(tmp_path / "jobs.db").exists()
    with stage("before", tmp_path) as (_, api):
        # and the next one tries again what that had not ended
        until(lambda: read(api, task_id)["attempt"] == 2)
        until(lambda: read(api, task_id)["progress"] > 25)
        assert api.delete(f"/steering/task/{task_id}").json()["status"] == "cancelling"
        assert ended(api, task_id)["status"] == "cancelled"
