import json

import pytest

from reference_app import board, endings, events
from reference_app.jobs import State
from reference_app.settings import settings

DAY_S = 86_400


@pytest.fixture
def client(jobs):
    return endings.client()


@pytest.fixture
def running(jobs, client):
    jobs.create("a", "agent.run_agent", {})
    jobs.start("a")
    reporter = events.reporter(client, settings(), "a", 1, "agent.run_agent")

    def report(percent, message="working", **data):
        event = events.envelope("a", 1, "progress", message, data)
        return reporter.report(percent, event)

    return report


def state(client):
    return {
        key.decode(): text.decode()
        for key, text in client.hgetall("progress:a").items()
    }


def test_what_went_out_is_shown_and_lasts_a_day(client, running):
    assert running(30, "Llm: started", phase="content_processing")
    found = state(client)
    assert found.pop("updated_at").endswith("Z")
    assert found == {
        "progress": "30",
        "phase": "content_processing",
        "status": "running",
        "message": "Llm: started",
        "attempt": "1",
    }
    (line,) = board.lines(client, "a", 10)
    assert (line["task_id"], line["level"], line["seq"]) == ("a", "INFO", 1)
    for key in board.keys("a"):
        assert DAY_S - 60 < client.ttl(key) <= DAY_S


def test_the_ending_is_shown_once_though_it_is_announced_again(jobs, client, running):
    running(30)
    endings.finish("a", State.FAILED, error="no notes", reason="error")
    endings.announce("a")
    assert (state(client)["status"], state(client)["progress"]) == ("failed", "-1")
    lines = board.lines(client, "a", 10)
    assert [line["message"] for line in lines] == ["working", "no notes"]
    assert lines[-1]["level"] == "ERROR"


def test_what_comes_after_the_ending_is_not_shown(jobs, client, running):
    endings.finish("a", State.COMPLETED, result={})
    assert not running(50)
    assert state(client)["status"] == "completed"
    assert len(board.lines(client, "a", 10)) == 1


def test_a_log_keeps_its_latest_thousand_lines(client, running):
    for number in range(board.LINES + 5):
        running(30, f"line {number}", level="WARNING")
    assert client.llen("logs:a") == board.LINES
    assert board.lines(client, "a", 1)[0]["message"] == f"line {board.LINES + 4}"
    assert json.loads(client.lindex("logs:a", 0))["message"] == "line 5"


def test_without_redis_there_are_no_lines_and_no_error(configured):
    configured(EVENTS_URL="redis://127.0.0.1:1/2")
    assert board.lines(endings.client(), "a", 10) == []


def test_jobs_of_other_domains_leave_nothing_here(jobs, client):
    jobs.create("a", "steering.compare", {})
    endings.finish("a", State.FAILED, error="no", reason="error")
    assert client.exists(*board.keys("a")) == 0
