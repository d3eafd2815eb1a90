import dataclasses
import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import httpx
import pytest
import redis

from harness import Stack, Target, open_engine, wait_until
from harness.engines.redis_server import free_port
from loadtests.application import REFERENCE, running
from loadtests.report import jobs_of

ROOT = Path(__file__).parents[2]
LOCUST = [sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py"]

#: Seconds that a run of a few seconds may take on a slow machine.
WITHIN_S = 90
ENV = {"REHEARSALS": "true", "WORKER_QUEUES": "llmctl_studio", "WORKER_CONCURRENCY": 2}


@pytest.fixture(scope="module")
def api():
    with running(REFERENCE, ["api", "worker"], env=ENV) as stack:
        yield stack.urls.api


def start(*options):
    return subprocess.Popen(
        [*LOCUST, "--only-summary", *map(str, options)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process):
    try:
        output, _ = process.communicate(timeout=WITHIN_S)
    finally:
        process.kill()
    return process.returncode, output


def load(api, report, *more):
    given = ["--headless", "--host", api, "--report", report, "--seed", "7"]
    kinds = ["--jobs", 20, "--arrivals", "8/s", "--job-class", "short@0.05:3,long@0.3"]
    return [*given, *kinds, *more]


def active(api):
    with urllib.request.urlopen(f"{api}/api/v1/jobs?active=true", timeout=10) as answer:
        return json.load(answer)


def nothing_is_left(api):
    wait_until(lambda: not active(api), within_s=WITHIN_S, what="no job is active")


def counts(found):
    kinds = sorted((job.k, job.job_class) for job in jobs_of(found))
    return found["totals"], kinds


@pytest.mark.real
def test_one_locust_and_a_master_with_two_workers_give_the_same_totals(api, tmp_path):
    code, output = finish(start(*load(api, tmp_path / "one.json", "--watchers", 1)))
    assert code == 0, output
    one = json.loads((tmp_path / "one.json").read_text())

    port = free_port()
    workers = [
        start("--worker", "--master-host", "127.0.0.1", "--master-port", port)
        for _ in range(2)
    ]
    distributed = ["--master", "--expect-workers", 2]
    place = ["--master-bind-host", "127.0.0.1", "--master-bind-port", port]
    master = start(*load(api, tmp_path / "two.json", *distributed, *place))
    results = [finish(each) for each in (master, *workers)]
    assert [code for code, _ in results] == [0, 0, 0], results
    two = json.loads((tmp_path / "two.json").read_text())

    assert (one["senders"], two["senders"]) == (1, 2)
    assert one["totals"]["completed"] == one["totals"]["planned"] == 20
    assert counts(one) == counts(two)
    for found in (one, two):
        for name, seconds in found["durations"].items():
            assert seconds["n"] == 20, f"{name} is not known of all jobs"
        assert found["failures"] == {}
        assert found["curve"][-1]["waiting"] == 0
    assert set(one["watched"]) == {"watchers who saw an ending"}


@pytest.mark.real
def test_users_of_a_closed_loop_wait_for_their_jobs(api, tmp_path):
    closed = ["--arrivals", "closed", "--users", 2, "--watch", "poll"]
    code, output = finish(start(*load(api, tmp_path / "it.json", *closed)))
    assert code == 0, output
    found = json.loads((tmp_path / "it.json").read_text())
    assert found["totals"]["completed"] == 20
    assert found["peak_backlog"] <= 2


@pytest.mark.real
def test_what_has_not_ended_in_time_is_cancelled(api, tmp_path):
    stuck = ["--job-class", "stuck@50", "--jobs", 4, "--drain-s", 1]
    code, output = finish(start(*load(api, tmp_path / "it.json", *stuck)))
    assert code == 1, output
    found = json.loads((tmp_path / "it.json").read_text())
    assert found["totals"]["unfinished"] == 4
    assert found["failures"] == {"unfinished: no ending in time": 4}
    nothing_is_left(api)


@pytest.mark.real
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_leaves_nothing_and_reports(api, tmp_path, how):
    stopped = start(*load(api, tmp_path / "it.json", "--job-class", "long@50"))
    wait_until(lambda: active(api), within_s=WITHIN_S, what="a job was submitted")
    stopped.send_signal(how)
    code, output = finish(stopped)
    assert code == 1, output
    total = json.loads((tmp_path / "it.json").read_text())["totals"]
    assert total["unfinished"] == total["accepted"] == 20 - total["unsent"] > 0
    nothing_is_left(api)


def swarm(page, **form):
    users = {"user_count": 1, "spawn_rate": 1}
    httpx.post(f"{page}/swarm", data={**users, **form}, timeout=WITHIN_S)


@pytest.mark.real
def test_a_run_from_the_page_keeps_the_bounds_of_who_started_locust(api, tmp_path):
    kept, place = tmp_path / "it.json", ["--web-host", "127.0.0.1", "--web-port"]
    port = free_port()
    page = f"http://127.0.0.1:{port}"
    locust = start(*place, port, "--report", kept)

    def answers():
        try:
            return httpx.get(page).is_success
        except httpx.TransportError:
            return False

    wait_until(answers, within_s=WITHIN_S, what="the page is there")
    swarm(page, host=api, jobs=6, arrivals="6/s", report=tmp_path / "elsewhere")
    wait_until(kept.exists, within_s=WITHIN_S, what="the run has ended by itself")
    swarm(page, host="http://192.0.2.1", allow_host="192.0.2.1")
    locust.terminate()
    _, output = finish(locust)
    assert json.loads(kept.read_text())["totals"]["completed"] == 6
    assert "192.0.2.1 is not this machine" in output
    assert not (tmp_path / "elsewhere").exists()


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    """Only a worker, with the probe tasks, that tells what it does."""
    target = Target.load(REFERENCE)
    env = {**target.env, **ENV, "WORKER_EXTRA_ARGS": "-E"}
    env = {name: str(value) for name, value in env.items()}
    commands = {"worker": target.commands["worker"]}
    target = dataclasses.replace(target, commands=commands, env=env)
    engine = open_engine("process", target)
    stack = Stack(target, engine, tmp_path_factory.mktemp("run"), links=[])
    try:
        yield stack.start()
    finally:
        stack.stop()
        engine.close()


@pytest.mark.real
def test_a_producer_sends_to_the_queue_and_leaves_nothing_there(worker, tmp_path):
    to_queue = ["--through", "queue", "--queue", "llmctl_studio", "--jobs", 20]
    to_queue += ["--broker", worker.urls.broker, "--report", tmp_path / "it.json"]
    to_queue += ["--job-class", "bursty@0.05", "--arrivals", "10/s"]
    code, output = finish(start("--headless", *to_queue))
    assert code == 0, output
    found = json.loads((tmp_path / "it.json").read_text())
    assert found["totals"]["completed"] == 20
    for name in ("queue_wait_s", "run_s", "to_client_s"):
        assert found["durations"][name]["n"] == 20
    with redis.Redis.from_url(worker.urls.broker) as broker:
        assert broker.llen("llmctl_studio") == broker.hlen("unacked") == 0
        assert not list(broker.scan_iter("*celeryev*"))
    assert "broker" not in found["options"]


def test_another_machine_is_not_loaded():
    code, output = finish(start("--headless", "--host", "http://192.0.2.1"))
    assert code == 2
    assert "say --allow-host 192.0.2.1" in output
