"""The machines' models as their user sees them: from nothing to synthetic data."""

import contextlib
import itertools
import json
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
from websockets.sync.client import connect

from harness import wait_until

MACHINE = "motor_siemens_001"
AT = f"/api/gan/machines/{MACHINE}"
OVER = ("success", "failure", "revoked")

DATABASES = ("broker", "results", "events")

#: Epochs from one message to the next.
STEP = 10

#: Few rows, so that an epoch takes a few milliseconds.
ROWS = 60


@pytest.fixture
def gan(user):
    """Submit to the machine, poll, and wait for an ending."""

    class Gan:
        def submit(self, what: str, **request: Any) -> str:
            answer = user.post(f"{AT}/{what}", json=request)
            assert answer.status_code == 202, answer.text
            return str(answer.json()["task_id"])

        def poll(self, job: str) -> dict[str, Any]:
            answer = user.get(f"/api/gan/tasks/{job}")
            assert answer.status_code == 200
            return dict(answer.json())

        def until(self, job: str, arrived: Callable[..., Any]) -> dict[str, Any]:
            def look() -> dict[str, Any] | None:
                body = self.poll(job)
                return body if arrived(body) else None

            found = wait_until(look, within_s=120, what=f"{job} is as wanted")
            assert found is not None
            return found

        def ended(self, job: str) -> dict[str, Any]:
            return self.until(job, lambda body: body["status"] in OVER)

        def done(self, what: str, **request: Any) -> dict[str, Any]:
            """Submit, wait, and return the result."""
            answer = self.ended(self.submit(what, **request))
            assert answer["status"] == "success", answer
            return dict(answer["result"])

    return Gan()


class Raw:
    """A plain subscriber of a channel, and all frames it heard."""

    def __init__(self, pubsub: redis.client.PubSub) -> None:
        self._pubsub = pubsub
        self.frames: list[dict[str, Any]] = []

    def hear(self, within_s: float = 20.0) -> bool:
        """Take in one more frame; tell whether one came."""
        message = self._pubsub.get_message(timeout=within_s)
        if message is None:
            return False
        self.frames.append(json.loads(message["data"]))
        return True

    def until_the_end(self) -> list[dict[str, Any]]:
        """Hear until a frame that is none of a running job."""
        while not self.frames or self.frames[-1]["status"] == "RUNNING":
            assert self.hear(), f"nothing came after {self.frames[-1:]}"
        return self.frames


@contextlib.contextmanager
def raw(url: str, job: str) -> Iterator[Raw]:
    with redis.Redis.from_url(url) as client, client.pubsub() as pubsub:
        pubsub.subscribe(f"gan:training:{job}")
        assert pubsub.get_message(timeout=5)["type"] == "subscribe"
        yield Raw(pubsub)


def heard_by_a_socket(url: str) -> list[dict[str, Any]]:
    with connect(url, open_timeout=20) as socket:
        return [json.loads(message) for message in socket]


def stages(frames: list[dict[str, Any]]) -> list[str]:
    return [stage for stage, _ in itertools.groupby(f["stage"] for f in frames)]


@pytest.mark.feature("S3-01", "S3-12")
def test_what_a_training_answers_and_what_it_refuses(user, gan, occupied, messages):
    for path, body, code, named in [
        ("/api/gan/machines/nobody_7/train", {"epochs": 1}, 404, "nobody_7"),
        ("/api/gan/machines/pump_booster_002/train", {"epochs": 1}, 400, "seed data"),
        (f"{AT}/train", {"epochs": 0}, 422, "epochs"),
        (f"{AT}/train", {"runner": "magic"}, 422, "runner"),
    ]:
        answer = user.post(path, json=body)
        assert (answer.status_code, named in answer.text) == (code, True)
    gan.done("seed", samples=ROWS)
    with occupied():
        answer = user.post(f"{AT}/train", json={"epochs": 3})
        assert answer.status_code == 202
        told = answer.json()
        assert told["task_id"] == str(uuid.UUID(told["task_id"]))
        assert told["websocket_url"] == f"/ws/gan/training/{told['task_id']}"
        assert told["estimated_time_minutes"] > 0
        by_script = gan.submit("train", epochs=3, runner="script")
        (one,), (other,) = messages("gan"), messages("ml")
        assert (one["id"], one["task"]) == (told["task_id"], "gan.train_tvae")
        assert (other["id"], other["task"]) == (by_script, "ml.train_by_script")
    for job in (told["task_id"], by_script):
        assert gan.ended(job)["result"]["epochs_completed"] == 3


@pytest.mark.feature(
    *("S3-02", "S3-03", "S3-04", "S3-05", "S3-06", "S3-07", "S3-08", "S3-10"),
    *("S3-13", "S3-16"),
)
def test_from_nothing_to_synthetic_data(stack, user, gan, occupied):
    seeded = gan.done("seed", samples=ROWS, seed=5)
    assert (seeded["machine_id"], seeded["samples_generated"]) == (MACHINE, ROWS)
    assert seeded["file_path"].endswith("seed.csv")
    assert seeded["file_size_mb"] > 0

    # A training of 300 epochs with its listeners, there before it starts
    with contextlib.ExitStack() as listeners:
        with occupied():
            job = gan.submit("train", epochs=300)
            assert gan.poll(job)["status"] == "pending"
            # Channels know no database: another one's number hears it as well.
            events = listeners.enter_context(raw(stack.urls.events, job))
            elsewhere = listeners.enter_context(raw(stack.urls.broker, job))
            pool = listeners.enter_context(ThreadPoolExecutor(20))
            address = stack.urls.api.replace("http", "ws", 1)
            socket_url = f"{address}/ws/gan/training/{job}"
            sockets = [pool.submit(heard_by_a_socket, socket_url) for _ in range(20)]
        polled = follow(gan, job, events)
        frames = events.until_the_end()
        assert elsewhere.until_the_end() == frames
        stories = [socket.result(timeout=30) for socket in sockets]
    assert {answer["status"] for answer in polled} == {"running"}
    ended = gan.poll(job)
    assert (ended["status"], ended["progress"]) == ("success", 100)
    assert ended["metadata"]["stage"] == "completed"
    assert frames[-1]["result"] == ended["result"]
    assert [frame["seq"] for frame in frames] == list(range(1, len(frames) + 1))
    assert stages(frames) == ["initializing", "training", "completed"]
    training = [frame for frame in frames if frame["stage"] == "training"]
    assert [frame["epoch"] for frame in training] == list(range(10, 301, 10))
    for frame in training:
        assert frame["task_id"] == job
        assert frame["machine_id"] == MACHINE
        assert (frame["current"], frame["total"]) == (frame["epoch"], 300)
        assert frame["loss"] is not None
    for story in stories:
        greeting, *told, closing = story
        assert (greeting["type"], closing["type"]) == ("connected", "closing")
        assert [each.pop("type") for each in told][-1] == "completed"
        assert told == frames

    # Generation
    counts = {"train_samples": 40, "val_samples": 10, "test_samples": 7}
    with occupied():
        job = gan.submit("generate", **counts)
        events = raw(stack.urls.events, job)
        listening = events.__enter__()
    frames = listening.until_the_end()
    events.__exit__(None, None, None)
    assert stages(frames) == ["initializing", "train", "val", "test", "completed"]
    files = [Path(name) for name in frames[-1]["result"]["files_generated"]]
    assert [file.name for file in files] == ["train.csv", "val.csv", "test.csv"]
    rows = [len(file.read_text().splitlines()) - 1 for file in files]
    assert rows == list(counts.values())

    # What is left in Redis
    found = {name: keys(getattr(stack.urls, name)) for name in DATABASES}
    assert [name for name in DATABASES if "_kombu" in found[name]] == ["broker"]
    assert [name for name in DATABASES if "events" in found[name]] == ["events"]
    with redis.Redis.from_url(stack.urls.events) as client:
        left = [client.ttl(key) for key in client.scan_iter(f"events:{job}:*")]
    assert left
    assert all(3500 < seconds <= 3600 for seconds in left)
    assert user.get("/api/gan/tasks/nobody").status_code == 404


def follow(gan, job, events):
    """Poll after each frame; what it says is at most a step from the newest one."""
    polled = []
    while True:
        assert events.hear()
        before = events.frames[-1]
        if before["status"] != "RUNNING":
            return polled
        answer = gan.poll(job)
        while events.hear(within_s=0.01):
            pass
        after = events.frames[-1]
        if answer["status"] != "running":
            assert after["status"] == "SUCCESS"
            return polled
        polled.append(answer)
        if before["stage"] == "training":  # one that waits for its turn counts nothing
            newest = after.get("current", 300)  # the ending has none
            assert before["current"] <= answer["current"] <= newest + STEP
            assert before["progress"] <= answer["progress"] <= after["progress"] + 4
        if after["status"] != "RUNNING":
            return polled  # it ended between the answer and now


def keys(url: str) -> set[str]:
    """Return how the names of a database's keys begin."""
    with redis.Redis.from_url(url) as client:
        names = [key.decode() for key in client.scan_iter()]
    return {name.replace(".", ":").partition(":")[0] for name in names}


@pytest.mark.feature("S3-02", "S3-06", "S3-14")
def test_a_training_is_cancelled_and_one_fails_and_both_are_retried(
    stack, user, gan, occupied
):
    gan.done("seed", samples=ROWS)
    # Cancelled in the middle, and retried from its checkpoint
    job = gan.submit("train", epochs=1000, progress_every=10)
    unfinished = stack.layout.data / "gan" / MACHINE / "unfinished"
    wait_until(
        lambda: {path.suffix for path in unfinished.glob(f"{job}*")} - {".fence"},
        within_s=60,
        what="a checkpoint",
    )
    assert user.post(f"/api/gan/tasks/{job}/retry").status_code == 409
    assert user.delete(f"/api/gan/tasks/{job}").json()["status"] == "cancelling"
    ended = gan.ended(job)
    assert (ended["status"], ended["metadata"]["stage"]) == ("revoked", "cancelled")
    again = user.post(f"/api/gan/tasks/{job}/retry").json()
    assert (again["retry_of"], again["task_id"] != job) == (job, True)
    result = gan.ended(again["task_id"])["result"]
    assert 0 < result["resumed_from_epoch"] < 1000
    assert result["epochs_completed"] == 1000
    # Cancelled while it waits; and one that finds no seed data fails
    with occupied():
        waiting, job = (gan.submit("train", epochs=3) for _ in range(2))
        assert user.delete(f"/api/gan/tasks/{waiting}").json()["status"] == "cancelled"
        (stack.layout.data / "gan" / MACHINE / "seed.csv").unlink()
        events = raw(stack.urls.events, job)
        listening = events.__enter__()
    frames = listening.until_the_end()
    events.__exit__(None, None, None)
    assert stages(frames) == ["initializing", "failed"]
    failed = gan.ended(job)
    assert (failed["status"], failed["progress"]) == ("failure", -1)
    assert "no seed data" in failed["error"]
    assert failed["error"] == frames[-1]["error"]
    assert gan.poll(waiting)["status"] == "revoked"
    gan.done("seed", samples=ROWS)
    again = user.post(f"/api/gan/tasks/{job}/retry").json()
    assert gan.ended(again["task_id"])["status"] == "success"
