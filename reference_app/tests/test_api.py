import json
import subprocess
import sys

import pytest

from reference_app import context, endings, events
from reference_app.jobs import State
from reference_app.tests.in_process import call, forget_connections

SAE = "storyteller-layer1-topk"


def request(**changes):
    return {
        "sae_id": SAE,
        "prompt": "Once upon a time",
        "features": [{"feature_idx": 1, "strengths": [1.0]}],
    } | changes


def test_a_comparison_is_recorded_and_sent_with_its_limits(queue, jobs, configured):
    configured(STEERING_SOFT_TIME_LIMIT=2, STEERING_HARD_TIME_LIMIT=3)
    answer = call("POST", "/steering/compare", json=request())
    assert answer.status_code == 202
    body = answer.json()
    assert body["status"] == "pending"
    assert body["websocket_channel"] == f"steering/{body['task_id']}"
    job = jobs.get(body["task_id"])
    assert (job.state, job.kind, job.published) == (
        State.PENDING,
        "steering.compare",
        True,
    )
    (message,) = queue.lrange("steering", 0, -1)
    headers = json.loads(message)["headers"]
    assert (headers["id"], headers["task"]) == (job.id, "steering.compare")
    assert headers["timelimit"] == [3, 2]
    assert headers["ignore_result"]


def test_a_sweep_has_limits_of_its_own(queue, configured):
    configured(STEERING_SWEEP_SOFT_TIME_LIMIT=20, STEERING_SWEEP_HARD_TIME_LIMIT=30)
    sweep = request(feature_idx=1, strengths=[-1, 1])
    del sweep["features"]
    assert call("POST", "/steering/sweep", json=sweep).status_code == 202
    (message,) = queue.lrange("steering", 0, -1)
    assert json.loads(message)["headers"]["timelimit"] == [30, 20]


@pytest.mark.parametrize(
    ("changes", "code", "named"),
    [
        ({"prompt": ""}, 422, "prompt"),
        ({"max_new_tokens": 101}, 422, "max_new_tokens"),
        ({"features": []}, 422, "features"),
        (
            {"features": [{"feature_idx": 10**6, "strengths": [1]}]},
            422,
            "feature_idx",
        ),
        ({"features": [{"feature_idx": 1, "strengths": [9]}]}, 422, "strengths"),
        ({"sae_id": "nobody"}, 404, "nobody"),
        ({"sae_id": "../../etc"}, 422, "sae_id"),
        ({"sae_layer": 99}, 422, "sae_layer"),
    ],
)
def test_a_wrong_request_is_refused_by_name_and_not_sent(
    queue, jobs, changes, code, named
):
    answer = call("POST", "/steering/compare", json=request(**changes))
    assert answer.status_code == code
    assert named in answer.text
    assert queue.llen("steering") == 0
    assert jobs.recent() == []


def test_a_submit_with_a_key_is_sent_once(queue):
    key = {"Idempotency-Key": "k"}
    first, again = (
        call("POST", "/steering/compare", json=request(), headers=key) for _ in "12"
    )
    assert first.json()["task_id"] == again.json()["task_id"]
    assert queue.llen("steering") == 1
    changed = request(seed=8)
    answer = call("POST", "/steering/compare", json=changed, headers=key)
    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.text


def test_without_a_broker_the_answer_is_503_and_the_job_is_failed(
    queue, jobs, configured
):
    configured(CELERY_BROKER_URL="redis://127.0.0.1:1/0")
    forget_connections()
    answer = call("POST", "/steering/compare", json=request())
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    (job,) = jobs.recent()
    assert (job.state, job.reason) == (State.FAILED, "not_published")


def test_a_pending_job_is_cancelled_at_once_and_never_starts(queue, jobs):
    task_id = call("POST", "/steering/compare", json=request()).json()["task_id"]
    assert call("DELETE", f"/steering/task/{task_id}").json()["status"] == "cancelled"
    context.run(task_id, lambda ctx: pytest.fail("it ran"))
    event = events.latest(endings.client(), jobs, jobs.get(task_id))
    assert (event["kind"], event["seq"]) == ("cancelled", 1)
    again = call("DELETE", f"/steering/task/{task_id}").json()["status"]
    assert again == "already_cancelled"


def test_a_running_job_is_cancelling_until_it_is_gone(jobs):
    jobs.create("a", "steering.compare", {})
    jobs.start("a")
    assert call("DELETE", "/steering/task/a").json()["status"] == "cancelling"
    body = call("GET", "/steering/result/a").json()
    assert (body["status"], body["state"]) == ("cancelling", "started")
    endings.finish("a", State.FAILED, reason="lost")
    assert call("GET", "/steering/result/a").json()["status"] == "cancelled"


def test_an_ended_job_cannot_be_cancelled(jobs):
    jobs.create("a", "steering.compare", {})
    context.run("a", lambda ctx: {"text": "once"})
    assert call("DELETE", "/steering/task/a").json()["status"] == "already_complete"
    assert jobs.get("a").state is State.COMPLETED


def test_a_job_is_read_through_all_its_states(jobs):
    def read():
        body = call("GET", "/steering/result/a").json()
        return body["status"], body["state"], body["progress"], body["result"]

    jobs.create("a", "steering.compare", {})
    assert read() == ("pending", "pending", 0, None)

    def work(ctx):
        assert read() == ("running", "started", 0, None)
        ctx.report(40, "Generating")
        assert read() == ("running", "progress", 40, None)
        return {"text": "once"}

    context.run("a", work)
    assert read() == ("completed", "completed", 100, {"text": "once"})


def test_a_failed_job_tells_its_error(jobs):
    jobs.create("a", "steering.compare", {})
    jobs.start("a")
    endings.finish("a", State.FAILED, error="ValueError: no", reason="error")
    body = call("GET", "/steering/result/a").json()
    assert body["status"] == "failed"
    assert (body["error"], body["reason"]) == ("ValueError: no", "error")
    assert body["progress"] == -1


def test_an_expired_job_is_410_and_its_row_stays_without_the_result(jobs, configured):
    jobs.create("a", "steering.compare", {})
    jobs.start("a")
    jobs.finish("a", State.COMPLETED, result={"text": "long ago"})
    assert jobs.forget_results(kept_s=60) == 0
    assert call("GET", "/steering/result/a").json()["result"] == {"text": "long ago"}
    configured(RESULT_TTL=1e-6)
    answer = call("GET", "/steering/result/a")
    assert (answer.status_code, "completed" in answer.text) == (410, True)
    assert call("GET", "/steering/result/b").status_code == 404
    assert jobs.forget_results(kept_s=1e-6) == 1
    assert (jobs.get("a").state, jobs.get("a").result) == (State.COMPLETED, None)


def test_an_unknown_job_is_404(jobs):
    assert call("GET", "/steering/result/nobody").status_code == 404
    assert call("DELETE", "/steering/task/nobody").status_code == 404


def test_the_catalogue_and_the_jobs_are_listed(jobs):
    jobs.create("a", "steering.compare", {})
    saes = call("GET", "/steering/saes").json()["saes"]
    assert SAE in [sae["sae_id"] for sae in saes]
    jobs.create("b", "steering.compare", {})
    jobs.request_cancel("b")
    listed = call("GET", "/jobs").json()
    assert sorted(job["task_id"] for job in listed) == ["a", "b"]
    active = call("GET", "/jobs", params={"active": True}).json()
    assert [job["task_id"] for job in active] == ["a"]
    assert call("GET", "/health").json() == {"status": "ok"}


def test_the_api_imports_neither_torch_nor_transformers(jobs):
    code = (
        "import sys; from reference_app import api; api.create_app(); "
        "print({'torch', 'transformers'} & sys.modules.keys())"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
