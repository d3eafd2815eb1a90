import contextlib
from queue import Empty, Queue

import pytest
import socketio

from reference_app import endings, events
from reference_app.jobs import State
from reference_app.settings import settings
from reference_app.sockets import Packets

WITHIN_S = 10


@pytest.fixture
def url(server: str) -> str:
    return f"http://{server}"


@contextlib.contextmanager
def subscriber(url, data, word="join"):
    heard: Queue[tuple[str, dict]] = Queue()
    with _client(heard) as client:
        client.connect(url, transports=["websocket"], retry=True)
        client.emit(word, data)
        yield client, heard


@contextlib.contextmanager
def _client(heard):
    client = socketio.Client()
    for kind in ("progress", "completed", "failed", "cancelled", "error"):
        client.on(f"steering:{kind}", lambda data, kind=kind: heard.put((kind, data)))
    try:
        yield client
    finally:
        client.disconnect()
        client.eio.http.close() if client.eio.http else None


def until_the_end(heard):
    got = []
    while not got or got[-1][0] == "progress":
        got.append(heard.get(timeout=WITHIN_S))
    return got


def silent(heard, for_s=0.3):
    with contextlib.suppress(Empty):
        return heard.get(timeout=for_s)


@pytest.fixture
def running(jobs):
    jobs.create("a", "steering.compare", {})
    jobs.start("a")
    reporter = events.reporter(endings.client(), settings(), "a", 1)

    def report(percent, **data):
        event = events.envelope("a", 1, "progress", f"at {percent}", data)
        assert reporter.report(percent, event, force=True)

    return report


def test_a_late_subscriber_gets_the_log_then_live_events_then_silence(url, running):
    running(0)
    running(25, current_feature=3, current_strength=-0.5)
    with subscriber(url, {"room": "steering/a"}) as (_, heard):
        first = [heard.get(timeout=WITHIN_S) for _ in range(2)]
        running(60)
        endings.finish("a", State.COMPLETED, result={"text": "once"})
        got = first + until_the_end(heard)
        assert [data["seq"] for _, data in got] == [1, 2, 3, 4]
        assert [data["percent"] for _, data in got] == [0, 25, 60, 100]
        assert (got[1][1]["current_feature"], got[1][1]["current_strength"]) == (
            3,
            -0.5,
        )
        assert got[-1][0] == "completed"
        assert got[-1][1]["result"] == {"text": "once"}
        assert silent(heard) is None


def test_after_the_end_everything_is_still_there(url, running):
    running(50)
    endings.finish("a", State.FAILED, error="ValueError: no", reason="error")
    with subscriber(url, {"channel": "steering/a"}, "subscribe") as (_, heard):
        (_, _), (kind, data) = until_the_end(heard)
        assert (kind, data["percent"]) == ("failed", -1)
        assert (data["error"], data["reason"]) == ("ValueError: no", "error")


def test_a_client_that_came_back_is_sent_what_it_does_not_have(url, running):
    running(0)
    running(25)
    running(50)
    with subscriber(url, {"room": "steering/a", "after": "2"}) as (_, heard):
        assert heard.get(timeout=WITHIN_S)[1]["seq"] == 3
        running(60)
        endings.finish("a", State.COMPLETED, result={"text": "once"})
        assert [data["seq"] for _, data in until_the_end(heard)] == [4, 5]


@pytest.mark.parametrize("after", [99, "much", None, {}])
def test_whatever_a_client_says_it_has_it_is_told_the_ending(url, running, after):
    running(50)
    endings.finish("a", State.COMPLETED, result={"text": "once"})
    with subscriber(url, {"room": "steering/a", "after": after}) as (_, heard):
        assert until_the_end(heard)[-1][0] == "completed"


def test_joining_twice_delivers_once(url, running):
    with subscriber(url, {"room": "steering/a"}) as (client, heard):
        client.emit("subscribe", {"channel": "steering/a"})
        running(10)
        assert heard.get(timeout=WITHIN_S)[1]["seq"] == 1
        endings.finish("a", State.CANCELLED)
        assert [kind for kind, _ in until_the_end(heard)] == ["cancelled"]
        assert silent(heard) is None


def test_after_leaving_nothing_comes(url, running):
    with subscriber(url, {"room": "steering/a"}) as (client, heard):
        running(10)
        heard.get(timeout=WITHIN_S)
        client.call("leave", {"room": "steering/a"}, timeout=WITHIN_S)
        running(20)
        assert silent(heard) is None


def test_an_unknown_job_is_told_as_an_error(url):
    with subscriber(url, {"room": "steering/nobody"}) as (_, heard):
        kind, data = heard.get(timeout=WITHIN_S)
        assert (kind, data["channel"]) == ("error", "steering/nobody")


def test_without_redis_the_ending_comes_from_the_row(url, running, jobs):
    # Given a job that ended while Redis could not be told, and has forgotten the log
    jobs.finish("a", State.COMPLETED, result={"text": "once"})
    jobs.mark_announced("a")
    with subscriber(url, {"room": "steering/a"}) as (_, heard):
        ((kind, data),) = until_the_end(heard)
        assert (kind, data["result"]) == ("completed", {"text": "once"})


def an_event(seq, message):
    event = events.envelope("a", 1, "progress", message, {})
    return {"seq": seq, "percent": 5, **event}


def test_a_packet_is_made_once_for_all_who_are_sent_the_event():
    packets, event = Packets(), an_event(1, "first")
    assert packets.of("steering", event) is packets.of("steering", event)


def test_another_event_with_the_same_seq_is_another_packet():
    packets = Packets()
    texts = [packets.of("steering", an_event(1, text)).data for text in ("one", "two")]
    assert "one" in texts[0]
    assert "two" in texts[1]
