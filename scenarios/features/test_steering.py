"""Steering as its user sees it: answers, states, events, limits, endings."""

import contextlib
import fcntl
import itertools
import uuid
from datetime import datetime

import pytest

from harness import wait_until

#: Refused before anything is queued: what is wrong, the answer, what it names.
WRONG = [
    ({"prompt": ""}, 422, "prompt"),
    ({"prompt": "   "}, 422, "prompt"),
    ({"features": []}, 422, "features"),
    ({"features": [{"feature_idx": 0, "strengths": [99]}]}, 422, "strengths"),
    ({"features": [{"feature_idx": 10**6, "strengths": [1]}]}, 422, "feature_idx"),
    ({"max_new_tokens": 10**6}, 422, "max_new_tokens"),
    ({"colour": "blue"}, 422, "colour"),
    ({"sae_id": "nobody"}, 404, "nobody"),
    ({"sae_id": "../../etc"}, 422, "sae_id"),
]

OVER = ("completed", "failed", "cancelled")

#: It fits the schema but not the model: only the job can tell.
TOO_LONG = {"prompt": "the whale " * 100}


@pytest.mark.feature(
    *("S0-01", "S0-02", "S0-03", "S0-06", "S0-18", "S0-23", "S0-27", "S0-29")
)
def test_submits_while_a_job_runs(
    user, users_of, page, occupied, messages, timed, agent, history
):
    registered = agent.inspect("registered", limit=1)
    (known,) = registered.values()
    assert {"steering.compare", "steering.sweep"} <= {t.split()[0] for t in known}
    changed = {"STEERING_SOFT_TIME_LIMIT": "20", "STEERING_HARD_TIME_LIMIT": "30"}
    with users_of(**changed) as another, occupied():
        jobs = []
        for kind in ("compare", "sweep"):
            answer, took_s = timed(lambda kind=kind: user.submit(kind))
            assert took_s < 1
            assert (answer.status_code, answer.json()["status"]) == (202, "pending")
            jobs.append(answer.json()["task_id"])
            assert str(uuid.UUID(jobs[-1])) == jobs[-1]
            assert answer.json()["websocket_channel"] == f"steering/{jobs[-1]}"
            assert user.result(jobs[-1])["status"] == "pending"
        for changes, code, named in WRONG:
            answer = user.submit(**changes)
            assert (answer.status_code, named in answer.text) == (code, True)
        jobs.append(another.accepted())
        waiting = messages("steering")
        assert [each["id"] for each in waiting] == jobs
        assert [each["task"] for each in waiting] == [
            *("steering.compare", "steering.sweep", "steering.compare")
        ]
        # hard and soft, as target.toml and the other API's environment have them
        assert [each["timelimit"] for each in waiting] == [[5, 3], [6, 4], [30, 20]]
    with page(f"steering/{jobs[1]}") as sweeps:
        name, last = sweeps.whole_story()[-1]
    assert (name, last["task_id"]) == ("completed", jobs[1])
    compared, swept, _ = (user.ended(job) for job in jobs)
    assert len(compared["result"]["steered"]) == 2
    assert [point["strength"] for point in swept["result"]["points"]] == [
        *(-1.0, -0.5, 0.5, 1.0)
    ]
    history.collect()
    runs = [run for job in jobs for run in history.job(job).runs]
    assert len(runs) == 3
    spans = sorted((run.start.t, run.end.t) for run in runs)
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(spans))


@contextlib.contextmanager
def accelerator_of(stack):
    """Hold the place on the accelerator, as a program beside the workers would."""
    folder = stack.layout.data / "devices"
    folder.mkdir(exist_ok=True)
    with (folder / "gpu0.0.lock").open("a") as place:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


@pytest.mark.feature(
    *("S0-07", "S0-12", "S0-13", "S0-14", "S0-15", "S0-21", "S0-31"),
)
def test_one_job_from_submit_to_result(
    stack, users_of, page, occupied, driver, history
):
    polled = []
    with users_of() as user, contextlib.ExitStack() as pages:
        taken = pages.enter_context(contextlib.ExitStack())
        with occupied():
            # Another program has the accelerator, so that "started" lasts
            taken.enter_context(accelerator_of(stack))
            job = user.accepted(num_samples=96)
            polled.append(user.result(job))
            watching = pages.enter_context(page(f"steering/{job}"))
            unlucky = driver.subscribe(job)
        user.until(job, lambda body: polled.append(body) or body["state"] == "started")
        taken.close()
        history.until(job, event="progress", where=lambda e: e["percent"] > 0)
        unlucky.drop()
        user.until(job, lambda body: polled.append(body) or body["state"] in OVER)
        story = watching.whole_story()
    # Polling
    states = [state for state, _ in itertools.groupby(b["state"] for b in polled)]
    assert states == ["pending", "started", "progress", "completed"]
    assert polled[-1]["result"]["steered"]
    # Events
    names, events = zip(*story, strict=True)
    assert names.count("progress") == len(names) - 1 >= 2
    assert names[-1] == "completed"
    percents = [event["percent"] for event in events]
    assert percents == sorted(percents)
    assert list(dict.fromkeys(percents))[:4] == [0, 5, 15, 25]
    assert percents[-2:] == [95, 100]
    assert set(percents) - {0, 5, 15, 100} <= set(range(25, 96))
    assert len(percents) > 7
    assert events[-1]["result"] == polled[-1]["result"]
    loop = [event for event in events if 25 < event["percent"] < 95]
    steps = {(e["current_feature"], e["current_strength"]) for e in loop}
    assert steps <= {(None, 0.0), (0, -1.0), (0, 1.0)}  # the first is the baseline
    assert steps - {(None, 0.0)}
    for event in events:
        assert event["timestamp"].endswith("Z")
        assert datetime.fromisoformat(event["timestamp"]).tzinfo is not None
    moments = [event["timestamp"] for event in events]
    assert moments == sorted(moments)
    # The one whose socket was lost polls; back again it hears what it missed, once
    assert driver.status(job)["state"] == "completed"
    again = unlucky.again()
    history.until(
        job, event="completed", where=lambda e: e.get("subscriber") == again.name
    )
    both = (unlucky.name, again.name)
    assert [
        e["percent"] for e in history.of(kind="event") if e["subscriber"] in both
    ] == percents


@pytest.mark.feature("S0-08", "S0-14", "S0-19", "S0-21")
def test_a_job_that_raises(user, page, history):
    job = user.accepted(**TOO_LONG)
    with page(f"steering/{job}") as watching:
        name, last = watching.whole_story()[-1]
    answer = user.ended(job)
    assert (answer["status"], answer["progress"]) == ("failed", -1)
    assert "context" in answer["error"]
    assert (name, last["error"], last["percent"]) == ("failed", answer["error"], -1)
    # The next one is over: had it been tried again, that would have come before.
    assert user.ended(user.accepted())["status"] == "completed"
    history.collect()
    (run,) = history.job(job).runs
    assert run.how not in (None, "returned")


@pytest.mark.feature("S0-09", "S0-10", "S0-11", "S2-13")
def test_a_cancel_before_during_and_after(user, page, occupied, history, timed):
    with occupied():
        waiting, following = user.accepted(), user.accepted()
        with page(f"steering/{waiting}") as watching:
            assert user.cancel(waiting) == "cancelled"
            assert watching.whole_story()[-1][0] == "cancelled"
        assert user.cancel(waiting) == "already_cancelled"
    assert user.ended(following)["status"] == "completed"
    assert user.cancel(following) == "already_complete"
    running = user.accepted("long_compare")
    with page(f"steering/{running}") as watching:
        while watching.hear()[1]["percent"] < 25:
            pass
        assert user.cancel(running) == "cancelling"
        answer, took_s = timed(lambda: user.ended(running, within_s=3))
        assert watching.whole_story()[-1][0] == "cancelled"
    # 1 s until it is killed, and the look of the supervision
    assert took_s < 2.5
    assert (answer["status"], answer["result"]) == ("cancelled", None)
    assert user.cancel(running) == "already_cancelled"
    assert user.delete("/api/v1/steering/task/nobody").status_code == 404
    # The slot is free again
    assert user.ended(user.accepted())["status"] == "completed"
    history.collect()
    assert history.of(source="journal", job=waiting) == ()
    (run,) = history.job(running).runs
    assert run.end is not None


@pytest.mark.feature("S0-04")
def test_the_sixth_submit_within_a_minute(user, users_of, occupied, messages):
    """The limiter as it comes: five in sixty seconds."""
    with users_of(STEERING_RATE_LIMIT="5") as limited, occupied():
        jobs = [limited.accepted() for _ in range(5)]
        answer = limited.submit()
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert [each["id"] for each in messages("steering")] == jobs
        for job in jobs:
            assert user.cancel(job) == "cancelled"


@pytest.mark.feature("S0-05")
def test_three_failures_in_a_row_stop_submits(user, users_of, broker):
    def three_fail():
        jobs = [user.accepted(**TOO_LONG) for _ in range(3)]
        assert {user.ended(job)["status"] for job in jobs} == {"failed"}

    breaker = "/api/v1/steering/circuit-breaker"
    env = {"STEERING_BREAKER_FAILURES": "3", "STEERING_BREAKER_RESET_AFTER": "2.5"}
    with users_of(**env) as guarded:
        three_fail()
        answer = guarded.submit()
        assert (answer.status_code, broker.llen("steering")) == (503, 0)
        assert 1 <= int(answer.headers["Retry-After"]) <= 3
        told = guarded.get(breaker).json()
        assert (told["state"], told["failures"]) == ("open", 3)
        assert guarded.post(f"{breaker}/reset").json()["state"] == "closed"
        assert guarded.ended(guarded.accepted())["status"] == "completed"
        # and without a reset one is let through after the pause
        three_fail()
        assert guarded.submit().status_code == 503
        wait_until(
            lambda: guarded.get(breaker).json()["state"] == "half_open",
            within_s=10,
            what="the pause is over",
        )
        assert guarded.ended(guarded.accepted())["status"] == "completed"
        assert guarded.get(breaker).json()["state"] == "closed"


@pytest.mark.feature("S0-22", "S0-26", "S2-02")
def test_workers_beside_the_busy_one(stack, user, agent, occupied, history):
    """Other queues go on; a worker that recycles nothing runs job after job."""
    table = set(agent.describe()["queues"])
    studio = {"WORKER_QUEUES": "llmctl_studio,llmctl_studio.rag.git"}
    lasting = {
        "WORKER_QUEUES": "llmctl_studio",  # the arguments win
        "WORKER_EXTRA_ARGS": "-Q steering",
        "STEERING_MAX_TASKS_PER_CHILD": "0",
    }
    with (
        occupied(),  # the deployed one: there is no other yet
        stack.replica("worker", studio) as first,
        stack.replica("worker", lasting) as second,
    ):
        serves = {
            node.partition("@")[0]: {queue["name"] for queue in queues}
            for node, queues in agent.inspect("active_queues", limit=3).items()
        }
        assert serves.pop(first.name) == {"llmctl_studio", "llmctl_studio.rag.git"}
        assert serves.pop(second.name) == {"steering"}
        (deployed,) = serves.values()
        assert deployed == table
        other = agent.probe("sleep", queue="llmctl_studio.rag.git")
        history.until(other, "ledger.start", within_s=5)
        jobs = [user.accepted() for _ in range(3)]
        assert {user.ended(job)["status"] for job in jobs} == {"completed"}
        history.collect()
        processes = {run.pid for job in jobs for run in history.job(job).runs}
        assert len(processes) == 1


@pytest.mark.feature("S0-28")
def test_the_synchronous_routes(user, users_of):
    answer = user.post("/api/v1/steering/compare/sync", json=user.payload("compare"))
    assert answer.status_code == 200
    assert len(answer.json()["steered"]) == 2
    assert answer.headers["Deprecation"]
    assert "/api/v1/steering/compare>" in answer.headers["Link"]
    paths = user.get("/openapi.json").json()["paths"]
    for kind in ("compare", "sweep"):
        assert paths[f"/api/v1/steering/{kind}/sync"]["post"]["deprecated"] is True
    with users_of(STEERING_SYNC_SUNSET="2020-01-01") as later:
        body = later.payload("compare")
        answer = later.post("/api/v1/steering/compare/sync", json=body)
        assert answer.status_code == 410
