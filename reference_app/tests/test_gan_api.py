import functools
import json

import pytest

from reference_app import context, endings, events, frames, job_task
from reference_app.jobs import State
from reference_app.tests import in_process
from reference_app.tvae import artefact, machines, places, table, tasks, telemetry

MACHINE = "motor_siemens_001"
AT = f"/machines/{MACHINE}"

call = functools.partial(in_process.call, base="/api/gan")


@pytest.fixture
def seeded(jobs):
    place = places.of(MACHINE)
    table.write(telemetry.simulate(machines.find(MACHINE), 200, seed=1), place.seed)
    return place


def waiting(queue):
    return sum(queue.llen(name) for name in ("gan", "ml", "steering"))


def run(queue, name="gan"):
    """Take the message and run its job as a worker's child would."""
    message = json.loads(queue.rpop(name))
    task = tasks.BY_NAME[message["headers"]["task"]]
    task_id = message["headers"]["id"]
    request = endings.store().get(task_id).request
    work = job_task.load(task.function)
    context.run(task_id, lambda ctx: work(request, ctx))
    return task_id


def test_a_training_is_recorded_sent_and_answered_with_all_its_places(
    queue, jobs, seeded, configured
):
    configured(GAN_SOFT_TIME_LIMIT=20, GAN_HARD_TIME_LIMIT=30)
    answer = call("POST", f"{AT}/train", json={"epochs": 300})
    assert answer.status_code == 202
    body = answer.json()
    task_id = body["task_id"]
    assert body["websocket_url"] == f"/ws/gan/training/{task_id}"
    assert (body["success"], body["machine_id"]) == (True, MACHINE)
    assert body["epochs"] == 300
    assert 0 < body["estimated_time_minutes"] < 1
    (message,) = queue.lrange("gan", 0, -1)
    headers = json.loads(message)["headers"]
    assert (headers["id"], headers["task"]) == (task_id, "gan.train_tvae")
    assert headers["timelimit"] == [30, 20]
    assert jobs.get(task_id).request["progress_every"] == 10


def test_a_training_by_script_waits_in_the_queue_of_its_own(queue, seeded):
    body = {"epochs": 3, "runner": "script"}
    assert call("POST", f"{AT}/train", json=body).status_code == 202
    assert (queue.llen("gan"), queue.llen("ml")) == (0, 1)


@pytest.mark.parametrize(
    ("path", "body", "code", "named"),
    [
        ("/machines/nobody_7/train", {"epochs": 1}, 404, "nobody_7"),
        ("/machines/nobody_7/seed", {}, 404, "nobody_7"),
        ("/machines/nobody_7/generate", {}, 404, "nobody_7"),
        ("/machines/..%2Fetc/train", {}, 404, ""),
        ("/machines/UPPER/train", {}, 422, "machine_id"),
        (f"{AT}/train", {"epochs": 1}, 400, "no seed data"),
        (f"{AT}/generate", {}, 400, "no model"),
        (f"{AT}/train", {"epochs": 0}, 422, "epochs"),
        (f"{AT}/train", {"epochs": "many"}, 422, "epochs"),
        (f"{AT}/train", {"runner": "magic"}, 422, "runner"),
        (f"{AT}/train", {"colour": 1}, 422, "colour"),
        (f"{AT}/seed", {"samples": 10**9}, 422, "samples"),
        (f"{AT}/generate", {"val_samples": 0}, 422, "val_samples"),
    ],
)
def test_a_wrong_request_is_refused_by_name_and_nothing_is_sent(
    queue, jobs, path, body, code, named
):
    answer = call("POST", path, json=body)
    assert answer.status_code == code
    assert named in answer.text
    assert (waiting(queue), jobs.recent()) == (0, [])


def test_a_damaged_description_of_a_machine_is_told(jobs, configured, tmp_path):
    configured(MACHINES_DIR=tmp_path)
    (tmp_path / f"{MACHINE}.json").write_text("{}")
    for path in ("/machines", AT):
        answer = call("GET", path)
        assert (answer.status_code, "required" in answer.text) == (400, True)


def test_the_way_from_nothing_to_synthetic_data(queue, jobs):
    assert [machine["has_model"] for machine in call("GET", "/machines").json()] == [
        False
    ] * 3
    call("POST", f"{AT}/seed", json={"samples": 300})
    seeding = call("GET", f"/tasks/{run(queue)}").json()
    assert seeding["result"]["samples_generated"] == 300
    call("POST", f"{AT}/train", json={"epochs": 2, "progress_every": 1})
    trained = call("GET", f"/tasks/{run(queue)}").json()
    assert trained["status"] == "success"
    assert trained["result"]["epochs_completed"] == 2
    counts = {"train_samples": 20, "val_samples": 4, "test_samples": 6}
    call("POST", f"{AT}/generate", json=counts)
    generated = call("GET", f"/tasks/{run(queue)}").json()["result"]
    rows = [part["rows"] for part in generated["file_statistics"].values()]
    assert rows == [20, 4, 6]
    machine = call("GET", AT).json()
    assert (machine["has_seed_data"], machine["has_model"]) == (True, True)


def test_the_poll_says_the_same_as_the_newest_frame(queue, jobs, seeded):
    call("POST", f"{AT}/train", json={"epochs": 3})
    (job,) = jobs.recent()
    asked = []

    def ask():
        answer = call("GET", f"/tasks/{job.id}").json()
        asked.append((answer["status"], answer["progress"], answer["message"]))
        return answer

    def work(ctx):
        for epoch in (1, 2):
            ctx.report(
                100 * epoch / 3,
                f"Epoch {epoch}/3, Loss: 0.5",
                force=True,
                stage="training",
                current=epoch,
                total=3,
                epoch=epoch,
                loss=0.5,
            )
            told = frames.frame(events.latest(endings.client(), jobs, jobs.get(job.id)))
            answer = ask()
            assert answer["metadata"]["machine_id"] == MACHINE
            for name in ("current", "total", "progress", "message"):
                assert answer[name] == told[name]
            for name in ("stage", "epoch", "loss"):
                assert answer["metadata"][name] == told[name]
        raise RuntimeError("the disk is full")

    assert ask()["status"] == "pending"
    with pytest.raises(RuntimeError):
        context.run(job.id, work)
    failed = ask()
    assert [state for state, *_ in asked] == ["pending", *["running"] * 2, "failure"]
    assert [progress for _, progress, _ in asked] == [0, 33, 66, -1]
    assert failed["error"] == "RuntimeError: the disk is full"
    assert failed["metadata"]["stage"] == "failed"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_unknown_job_and_one_of_another_domain_are_404(jobs, method):
    jobs.create("steered", "steering.compare", {})
    for task_id in ("nobody", "steered"):
        answer = call(method, f"/tasks/{task_id}")
        assert (answer.status_code, task_id in answer.text) == (404, True)


def test_a_waiting_job_is_cancelled_and_never_runs(queue, jobs, seeded):
    call("POST", f"{AT}/train", json={"epochs": 2})
    (job,) = jobs.recent()
    words = [call("DELETE", f"/tasks/{job.id}").json()["status"] for _ in range(2)]
    assert words == ["cancelled", "already_cancelled"]
    run(queue)
    answer = call("GET", f"/tasks/{job.id}").json()
    assert (answer["status"], answer["metadata"]["stage"]) == ("revoked", "cancelled")
    assert not seeded.model.exists()


def test_a_retry_repeats_the_request_and_goes_on_from_the_checkpoint(
    queue, jobs, seeded, configured
):
    configured(GAN_CHECKPOINT_INTERVAL=0)
    call("POST", f"{AT}/train", json={"epochs": 4, "seed": 3, "progress_every": 1})
    message = json.loads(queue.rpop("gan"))
    first = message["headers"]["id"]
    request = jobs.get(first).request
    work = job_task.load(tasks.train_tvae.function)

    class Broken(Exception):
        pass

    def break_down(ctx):
        report = ctx.report

        def until_the_third(percent, message, **data):
            report(percent, message, **data)
            if data.get("epoch") == 3:
                raise Broken("no light")

        ctx.report = until_the_third
        return work(request, ctx)

    with pytest.raises(Broken):
        context.run(first, break_down)
    # When it is retried, and the retry, had it failed too
    answer = call("POST", f"/tasks/{first}/retry").json()
    assert answer["task_id"] != first
    assert answer["retry_of"] == first
    result = jobs.get(run(queue)).result
    assert (result["resumed_from_epoch"], result["epochs_completed"]) == (2, 4)
    assert len(artefact.load(seeded.model)[2]["losses"]) == 4


@pytest.mark.parametrize("state", [State.PENDING, State.STARTED, State.COMPLETED])
def test_a_job_that_did_not_fail_is_not_retried(queue, jobs, state):
    jobs.create("a", "gan.train_tvae", {"machine_id": MACHINE})
    if state is not State.PENDING:
        jobs.start("a")
    if state is State.COMPLETED:
        jobs.finish("a", state, result={})
    answer = call("POST", "/tasks/a/retry")
    assert (answer.status_code, str(state) in answer.text) == (409, True)
    assert waiting(queue) == 0
