import contextlib
import json
import os
import signal
import subprocess
import sys
import threading

import httpx
import psutil
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from reference_app import embedded_redis, endings, events
from reference_app.jobs import State
from reference_app.settings import settings

WITHIN_S = 10
KIND = "gan.train_tvae"


@pytest.fixture
def report(jobs):
    """A running training that reports what it is told to."""
    jobs.create("a", KIND, {"machine_id": "m"})
    jobs.start("a")
    reporter = events.reporter(endings.client(), settings(), "a", 1, KIND)

    def send(percent):
        data = {"stage": "training", "epoch": percent, "loss": 0.5}
        event = events.envelope("a", 1, "progress", f"at {percent}", data)
        assert reporter.report(percent, event, force=True)

    return send


@contextlib.contextmanager
def client(server, job="a", query=""):
    url = f"ws://{server}/ws/gan/training/{job}{query}"
    with connect(url, open_timeout=WITHIN_S) as socket:
        yield lambda within_s=WITHIN_S: json.loads(socket.recv(timeout=within_s))


def whole_story(hear):
    heard = [hear()]
    while heard[-1]["type"] != "closing":
        heard.append(hear())
    return heard


def subscribers(job="a"):
    channel = events.names(job).channel
    ((_, count),) = endings.client().pubsub_numsub(channel)
    return count


def until(condition, what):
    pause, left = threading.Event(), int(WITHIN_S / 0.05)
    while not condition():
        left -= 1
        assert left, f"not within {WITHIN_S} s: {what}"
        pause.wait(0.05)


@pytest.mark.feature("S3-11")
def test_a_client_hears_connected_frames_ending_closing(server, report):
    with client(server) as hear:
        assert hear()["type"] == "connected"
        report(10)
        report(20)
        assert [hear()["progress"] for _ in range(2)] == [10, 20]
        endings.finish("a", State.COMPLETED, result={"final_loss": 1.5})
        last, closing = hear(), hear()
        assert (last["type"], last["status"]) == ("completed", "SUCCESS")
        assert last["result"] == {"final_loss": 1.5}
        assert closing == {"type": "closing", "task_id": "a", "reason": "completed"}
        with pytest.raises(ConnectionClosed) as caught:
            hear()
        assert caught.value.rcvd.code == 1000


@pytest.mark.feature("S3-11")
def test_a_late_client_gets_the_whole_story_at_once(server, report):
    for percent in (10, 20, 30):
        report(percent)
    endings.finish("a", State.FAILED, error="ValueError: no", reason="error")
    with client(server) as hear:
        types = [each["type"] for each in whole_story(hear)]
    assert types == ["connected", *["progress"] * 3, "failed", "closing"]


@pytest.mark.feature("S3-11")
def test_a_client_that_comes_back_asks_for_what_it_missed(server, report):
    report(10)
    report(20)
    with client(server) as hear:
        assert [hear().get("seq") for _ in range(3)] == [None, 1, 2]
    report(30)
    endings.finish("a", State.CANCELLED)
    with client(server, query="?after=2") as hear:
        heard = [each.get("seq") for each in whole_story(hear)]
    assert heard == [None, 3, 4, None]


def test_twenty_clients_hear_the_same_frames_over_one_subscription(server, report):
    with contextlib.ExitStack() as all_of_them:
        hears = [all_of_them.enter_context(client(server)) for _ in range(20)]
        report(10)
        for hear in hears:
            assert [hear()["type"] for _ in range(2)] == ["connected", "progress"]
        assert subscribers() == 1
        late = all_of_them.enter_context(client(server))
        report(50)
        endings.finish("a", State.COMPLETED, result={})
        stories = [whole_story(hear) for hear in hears]
        assert all(story == stories[0] for story in stories)
        assert [each.get("seq") for each in stories[0]] == [2, 3, None]
        assert whole_story(late)[2:] == stories[0]


@pytest.mark.feature("S3-11")
def test_who_leaves_frees_the_subscription_and_the_others_stay(server, report):
    with client(server) as stays:
        stays()
        with client(server) as leaves:
            leaves()
        report(10)
        assert stays()["progress"] == 10
        assert subscribers() == 1
    until(lambda: subscribers() == 0, "the last client's subscription is gone")


def test_a_quiet_job_is_heard_by_its_heartbeat(server, report, configured):
    configured(GAN_HEARTBEAT_INTERVAL=0.1)
    with client(server) as hear:
        assert hear()["heartbeat_s"] == 0.1
        assert [hear()["type"] for _ in range(2)] == ["heartbeat", "heartbeat"]
        report(10)
        heard = hear()
        while heard["type"] == "heartbeat":
            heard = hear()
        assert heard["progress"] == 10


@pytest.mark.parametrize("kind", [None, "steering.compare"])
def test_an_unknown_job_is_told_and_closed(server, jobs, kind):
    if kind:
        jobs.create("b", kind, {})
    with client(server, job="b") as hear:
        told = hear()
        assert (told["type"], told["task_id"]) == ("error", "b")
        with pytest.raises(ConnectionClosed) as caught:
            hear()
        assert caught.value.rcvd.code == 4404


@pytest.mark.feature("S3-11")
def test_idle_sockets_cost_next_to_nothing_and_the_server_stops(report):
    """A process of its own, so that its CPU time is that of the sockets."""
    port = embedded_redis.free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "reference_app", "api", "--port", str(port)],
        env=os.environ | {"GAN_HEARTBEAT_INTERVAL": "60"},
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: answers(port), "the API answers")
        with contextlib.ExitStack() as idle:
            hears = [idle.enter_context(client(f"127.0.0.1:{port}")) for _ in range(20)]
            for hear in hears:
                hear()
            until(lambda: subscribers() == 1, "the API follows the job")
            spent_s = cpu_s(process.pid)
            with pytest.raises(TimeoutError):
                hears[0](within_s=2)
            assert cpu_s(process.pid) - spent_s < 0.2  # 20 sockets, 2 seconds
            process.send_signal(signal.SIGTERM)
            assert process.wait(WITHIN_S) in (0, -signal.SIGTERM)
            with pytest.raises(ConnectionClosed):
                hears[0]()
    finally:
        process.kill()
        process.wait()


def answers(port):
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/api/v1/health").is_success
    return False


def cpu_s(pid):
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system
