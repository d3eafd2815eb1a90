import json

import pytest

from loadtests.bench import redis_restarts


def line(t, source, kind, job=None, **data):
    return {"t": t, "source": source, "kind": kind, "job": job, "data": data}


def history(*more):
    """A task runs while Redis is restarted at 2 s, another is sent after it."""
    return [
        line(1.0, "send", "accepted", "a"),
        line(1.1, "ledger", "start", "a"),
        line(2.0, "fault", "injected", bit=True),
        line(2.1, "stack", "exited", role="redis"),
        line(2.2, "send", "accepted", "b"),
        line(2.5, "ledger", "end", "a"),
        *more,
    ]


DONE = [line(4.0, "ledger", "start", "b"), line(4.5, "ledger", "end", "b")]


@pytest.fixture
def judged(tmp_path):
    def judge(lines):
        file = tmp_path / "history.jsonl"
        file.write_text("\n".join(map(json.dumps, lines)))
        return redis_restarts._one(file)

    return judge


def test_a_worker_that_goes_on_has_survived(judged):
    found = judged(history(*DONE))
    assert found == {"running": 1, "took_s": 2.5, "exits": 0, "twice": 0}


def test_a_worker_that_ended_or_never_took_a_new_task_has_not(judged):
    assert judged(history(line(2.4, "stack", "exited", role="worker")))["exits"] == 1
    assert judged(history())["took_s"] is None


def test_a_task_that_was_started_again_is_counted(judged):
    assert judged(history(line(3.0, "ledger", "start", "a"), *DONE))["twice"] == 1


def test_a_restart_that_met_no_running_task_is_seen(judged):
    lines = history(*DONE)
    lines[5]["t"] = 1.5
    assert judged(lines)["running"] == 0
