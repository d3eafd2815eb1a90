"""The agent over Socket.IO, on a real server; its jobs are run by hand."""

from queue import Queue

import pytest
import socketio

from reference_app import endings, events
from reference_app.jobs import State
from reference_app.settings import settings

WITHIN_S = 10


@pytest.fixture
def client(server):
    found = socketio.Client()
    found.connect(f"http://{server}", transports=["websocket"], retry=True)
    yield found
    found.disconnect()
    if found.eio.http:
        found.eio.http.close()


@pytest.fixture
def heard(client):
    """All events as they come: name and fields."""
    found = Queue()
    client.on("*", lambda name, data: found.put((name, data)))
    return found


def test_a_start_and_a_stop_do_what_their_routes_do(queue, client, jobs):
    wish = {"preferences": {"skip_git_sync": True}}
    answer = client.call("run_agent", wish, timeout=WITHIN_S)
    assert answer["success"] is True
    job = jobs.get(answer["task_id"])
    assert job.request["preferences"]["skip_git_sync"] is True
    assert queue.llen("agent") == 1
    answer = client.call("stop_agent", {"task_id": job.id}, timeout=WITHIN_S)
    assert answer["status"] == "cancelled"
    assert jobs.get(job.id).state is State.CANCELLED


@pytest.mark.parametrize(
    ("word", "data", "status", "named"),
    [
        ("run_agent", {"preferences": {"magic": True}}, 422, "magic"),
        ("run_agent", ["a", "list"], 422, "StartRequest"),
        ("stop_agent", {"task_id": "nobody"}, 404, "nobody"),
        ("stop_agent", None, 404, "no run waits"),
    ],
)
def test_what_is_wrong_is_said_in_the_answer(queue, client, word, data, status, named):
    answer = client.call(word, data, timeout=WITHIN_S)
    assert (answer["success"], answer["status"]) == (False, status)
    assert named in str(answer["error"])


def test_a_second_start_is_refused_where_the_setting_says_so(queue, client, configured):
    configured(AGENT_WHEN_BUSY="refuse")
    assert client.call("run_agent", {}, timeout=WITHIN_S)["success"] is True
    assert client.call("run_agent", {}, timeout=WITHIN_S)["status"] == 409


def test_who_starts_a_run_hears_it_in_the_words_of_old_and_nothing_of_others(
    queue, client, heard, jobs
):
    mine = client.call("run_agent", {}, timeout=WITHIN_S)["task_id"]
    jobs.create("other", "agent.run_agent", {})
    for job in (mine, "other"):
        jobs.start(job)
        reporter = events.reporter(endings.client(), settings(), job, 1, "agent.x")
        for message, data in [
            ("Llm: started", {"phase": "content_processing", "step": "llm"}),
            ("ebb.md is missing", {"phase": "content_processing", "level": "WARNING"}),
        ]:
            event = events.envelope(job, 1, "progress", message, data)
            reporter.report(30, event, force=True)
        endings.finish(job, State.COMPLETED, result={"done": 2})
    told = [heard.get(timeout=WITHIN_S) for _ in range(3)]
    assert [name for name, _ in told] == ["phase_update", "log", "agent_status_update"]
    assert {data["task_id"] for _, data in told} == {mine}
    assert told[-1][1]["result"] == {"done": 2}
    assert heard.empty()
