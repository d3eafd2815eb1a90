import functools
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from reference_app import context, endings, job_task
from reference_app.agent import starts
from reference_app.broker import app
from reference_app.jobs import State
from reference_app.submission import NotAccepted
from reference_app.tests import in_process

call = functools.partial(in_process.call, base="/api/v2/agent")

QUEUES = ("agent", "processing", "chat")


def run(queue, name="agent"):
    """Take the message and run its job as a worker's child would."""
    headers = json.loads(queue.rpop(name))["headers"]
    job = endings.store().get(headers["id"])
    work = job_task.load(app.tasks[headers["task"]].function)
    context.run(job.id, lambda ctx: work(job.request, ctx))
    return job.id


def start(**preferences):
    return call("POST", "/start", json={"preferences": preferences})


@pytest.fixture
def notes(tmp_path, configured):
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "ebb.md").write_text("# The ebb\n\nThe moon pulls the sea at ebb.\n")
    (folder / "rye.md").write_text("# Rye\n\nRye flour makes a dense bread.\n")
    configured(AGENT_SOURCE=folder, AGENT_KB_DIR=tmp_path / "kb")
    return folder


def test_a_start_is_recorded_sent_and_answered_with_all_its_places(queue, configured):
    configured(AGENT_SOFT_TIME_LIMIT=20, AGENT_HARD_TIME_LIMIT=30)
    answer = start(skip_git_sync=True)
    assert answer.status_code == 202
    task_id = answer.json()["task_id"]
    assert answer.json() == {
        "success": True,
        "task_id": task_id,
        "status": "queued",
        "websocket_channel": f"agent/{task_id}",
        "websocket_room": f"task/{task_id}",
        "status_url": f"/api/v2/agent/status/{task_id}",
    }
    (message,) = queue.lrange("agent", 0, -1)
    headers = json.loads(message)["headers"]
    assert (headers["id"], headers["task"]) == (task_id, "agent.run_agent")
    assert headers["timelimit"] == [30, 20]
    assert endings.store().get(task_id).request["preferences"]["skip_git_sync"] is True


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("/start", {"preferences": {"skip_everything": True}}, "skip_everything"),
        ("/start", {"preferences": {"skip_git_sync": 1}}, "skip_git_sync"),
        ("/start", {"source": "/etc"}, "source"),
        ("/tasks/magic", {}, "part"),
        ("/tasks/process_tweets", {"phase": "magic"}, "phase"),
        ("/tasks/process_tweets", {"tweet_ids": []}, "tweet_ids"),
        ("/tasks/git_sync", {"tweet_ids": ["a"]}, "tweet_ids"),
        ("/tasks/generate_readme", {"phase": "llm"}, "phase"),
        ("/stop", {"id": "a"}, "id"),
    ],
)
def test_a_wrong_request_is_refused_by_name_and_nothing_is_kept(
    queue, jobs, path, body, named
):
    answer = call("POST", path, json=body)
    assert answer.status_code == 422
    assert named in json.dumps([each["loc"] for each in answer.json()["detail"]])
    assert jobs.recent() == []


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("fetch_bookmarks", "agent"),
        ("git_sync", "agent"),
        ("process_tweets", "processing"),
        ("generate_synthesis", "processing"),
        ("generate_embeddings", "processing"),
        ("generate_readme", "processing"),
    ],
)
def test_each_part_has_a_task_and_a_queue(queue, part, name):
    answer = call("POST", f"/tasks/{part}", json={})
    assert answer.json()["websocket_channel"].startswith(f"{name}/")
    (message,) = queue.lrange(name, 0, -1)
    assert json.loads(message)["headers"]["task"] == f"{name}.{part}"


def test_a_run_ends_with_its_report_and_its_log(queue, notes, tmp_path):
    task_id = start().json()["task_id"]
    assert call("GET", f"/status/{task_id}").json()["message"] == "Waiting for a worker"
    run(queue)
    told = call("GET", f"/status/{task_id}").json()
    assert (told["state"], told["progress"], told["error"]) == ("completed", 100, None)
    assert told["result"]["knowledge_base"] == str(tmp_path / "kb")
    assert told["result"]["bookmarks"]["done"] == 2
    assert told["started_at"] <= told["ended_at"]
    lines = [line["message"] for line in told["logs"]]
    assert (lines[-2:], len(lines)) == (["Git sync: completed", "Complete"], 20)
    assert {line["task_id"] for line in told["logs"]} == {task_id}


def test_parts_run_one_by_one_make_the_same_as_a_run(queue, notes, tmp_path):
    start()
    run(queue)
    whole = (tmp_path / "kb" / "README.md").read_bytes()
    (tmp_path / "kb").rename(tmp_path / "whole")
    parts = "fetch_bookmarks", "process_tweets", "generate_synthesis", "generate_readme"
    for part in parts:
        answer = call("POST", f"/tasks/{part}", json={})
        run(queue, answer.json()["websocket_channel"].partition("/")[0])
    assert (tmp_path / "kb" / "README.md").read_bytes() == whole


def test_a_note_that_cannot_be_used_is_told_in_the_log(queue, notes):
    (notes / "odd.md").write_bytes(b"\xff\x00")
    (notes / "gone.md").symlink_to(notes / "nowhere.md")
    task_id = start().json()["task_id"]
    run(queue)
    told = call("GET", f"/status/{task_id}", params={"lines": 1000}).json()
    warned = [each["message"] for each in told["logs"] if each["level"] == "WARNING"]
    assert warned == [
        f"{name} {why}" for name, why in told["result"]["left_out"].items()
    ]
    assert {text.split()[0] for text in warned} >= {"gone.md"}


def test_one_step_of_one_bookmark(queue, notes):
    call("POST", "/tasks/fetch_bookmarks", json={})
    run(queue)
    body = {"tweet_ids": ["rye.md"], "phase": "cache"}
    call("POST", "/tasks/process_tweets", json=body)
    result = endings.store().get(run(queue, "processing")).result
    assert result["steps"] == {"cache": {"done": 1, "unchanged": 0, "failed": 0}}


def test_a_failed_run_leaves_nothing_that_the_next_one_meets(queue, notes, configured):
    configured(AGENT_SOURCE=notes / "nowhere")
    failed = start().json()["task_id"]
    with pytest.raises(ValueError, match="nowhere"):
        run(queue)
    told = call("GET", f"/status/{failed}").json()
    assert (told["state"], told["progress"]) == ("failed", -1)
    assert "nowhere" in told["error"]
    configured(AGENT_SOURCE=notes)
    run_id = start().json()["task_id"]
    run(queue)
    assert call("GET", f"/status/{run_id}").json()["state"] == "completed"


@pytest.mark.feature("S4-14")
@pytest.mark.parametrize(("use_celery", "messages"), [("true", 3), ("false", 0)])
def test_of_several_starts_all_wait_or_one_is_taken_as_the_setting_says(
    queue, configured, use_celery, messages
):
    configured(USE_CELERY=use_celery)
    for _ in range(3):
        assert start().status_code == 202
    assert starts.state()["task_queue_size"] == 3
    assert queue.llen("agent") == messages
    configured(AGENT_WHEN_BUSY="refuse")
    answer = start()
    assert answer.status_code == 409
    assert endings.store().unended("agent.run_agent")[0].id in answer.json()["detail"]
    assert starts.state()["task_queue_size"] == 3


def test_of_ten_starts_at_once_one_is_taken(queue, configured):
    configured(AGENT_WHEN_BUSY="refuse")

    def begin(_):
        try:
            starts.start({})
        except NotAccepted as refused:
            return refused.status_code
        return 202

    with ThreadPoolExecutor(10) as pool:
        codes = list(pool.map(begin, range(10)))
    assert sorted(codes) == [202, *[409] * 9]
    assert queue.llen("agent") == 1


def test_a_key_that_is_sent_again_gets_the_run_it_has_though_that_goes_on(
    queue, configured
):
    configured(AGENT_WHEN_BUSY="refuse")
    keyed = functools.partial(call, "POST", "/start", json={}, headers={})
    headers = {"Idempotency-Key": "mine"}
    first, second = (keyed(headers=headers).json()["task_id"] for _ in range(2))
    assert first == second
    assert queue.llen("agent") == 1


@pytest.mark.feature("S4-12")
def test_the_state_names_the_run_that_goes_on_and_counts_those_that_wait(queue, jobs):
    nobody = {"is_running": False, "current_task_id": None, "task_queue_size": 0}
    assert call("GET", "/state").json() == nobody
    first, _ = (start().json()["task_id"] for _ in range(2))
    jobs.start(first)
    assert call("GET", "/state").json() == {
        "is_running": True,
        "current_task_id": first,
        "task_queue_size": 1,
    }


def test_a_stop_without_an_id_is_for_the_run_that_goes_on(queue, jobs):
    assert call("POST", "/stop", json={}).status_code == 404
    waits, runs = (start().json()["task_id"] for _ in range(2))
    jobs.start(runs)
    answer = call("POST", "/stop", json={}).json()
    assert (answer["task_id"], answer["status"]) == (runs, "cancelling")
    jobs.finish(runs, State.CANCELLED)
    answer = call("POST", "/stop", json={}).json()
    assert (answer["task_id"], answer["status"]) == (waits, "cancelled")


def test_jobs_of_others_are_unknown_here(queue, jobs):
    jobs.create("a", "steering.compare", {})
    for answer in (
        call("GET", "/status/a"),
        call("GET", "/status/nobody"),
        call("POST", "/stop", json={"task_id": "a"}),
    ):
        assert answer.status_code == 404


@pytest.mark.parametrize("text", ['{"source": NaN}', '{"source": "\\ud800"}'])
def test_what_cannot_be_sent_back_is_refused_like_anything_wrong(jobs, text):
    headers = {"Content-Type": "application/json"}
    answer = call("POST", "/start", content=text, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "source"]


@pytest.mark.feature("S4-06")
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/start"), ("POST", "/stop"), ("GET", "/status")]
)
def test_the_endpoints_of_old_are_gone_and_name_their_successors(jobs, method, path):
    answer = in_process.call(method, path, base="/api/agent")
    assert answer.status_code == 410
    assert "/api/v2/agent" in answer.json()["detail"]
    assert 'rel="successor-version"' in answer.headers["Link"]
