import json

import pytest

from reference_app import context, endings, events, frames
from reference_app.jobs import State
from reference_app.settings import settings

WITHIN_S = 5


@pytest.fixture
def listening(jobs):
    """A plain Redis subscriber of the second channel of job `a`."""
    jobs.create("a", "gan.train_tvae", {"machine_id": "m"})
    with endings.client().pubsub() as pubsub:
        pubsub.subscribe("gan:training:a")
        pubsub.get_message(timeout=WITHIN_S)
        yield lambda: json.loads(pubsub.get_message(timeout=WITHIN_S)["data"])


def test_a_raw_subscriber_gets_every_frame_in_the_old_words(listening):
    def work(ctx):
        ctx.report(0, "Preparing", machine_id="m", stage="initializing")
        ctx.report(
            45,
            "Epoch 135/300, Loss: 0.0423",
            machine_id="m",
            stage="training",
            current=135,
            total=300,
            epoch=135,
            loss=0.0423,
        )
        return {"final_loss": 0.04}

    context.run("a", work)
    first, second, last = listening(), listening(), listening()
    assert [frame["seq"] for frame in (first, second, last)] == [1, 2, 3]
    assert first["stage"] == "initializing"
    assert second.pop("timestamp").endswith("Z")
    assert second == {
        "seq": 2,
        "task_id": "a",
        "attempt": 1,
        "current": 135,
        "total": 300,
        "progress": 45,
        "status": "RUNNING",
        "machine_id": "m",
        "stage": "training",
        "epoch": 135,
        "loss": 0.0423,
        "message": "Epoch 135/300, Loss: 0.0423",
    }
    assert (last["status"], last["stage"]) == ("SUCCESS", "completed")
    assert (last["progress"], last["result"]) == (100, {"final_loss": 0.04})


@pytest.mark.parametrize(
    ("state", "status", "progress"),
    [(State.FAILED, "FAILURE", -1), (State.CANCELLED, "REVOKED", 30)],
)
def test_every_ending_has_its_frame(listening, jobs, state, status, progress):
    jobs.start("a")
    event = events.envelope("a", 1, "progress", "at 30", {})
    reporter = events.reporter(endings.client(), settings(), "a", 1, "gan.train_tvae")
    reporter.report(30, event)
    endings.finish("a", state, error="ValueError: no", reason="error")
    endings.announce("a")  # a second time: nothing is published
    assert listening()["progress"] == 30
    last = listening()
    assert (last["status"], last["stage"]) == (status, str(state))
    assert (last["progress"], last["seq"]) == (progress, 2)


def test_a_frame_is_what_the_log_says(listening):
    context.run("a", lambda ctx: ctx.report(0, "Preparing", stage="x") or {})
    entries = endings.client().xrange(events.names("a").log)
    logged = [json.loads(fields[b"event"]) for _, fields in entries]
    assert [frames.frame(event) for event in logged] == [listening(), listening()]


def test_jobs_of_other_kinds_have_no_second_channel(jobs):
    jobs.create("b", "steering.compare", {})
    with endings.client().pubsub() as pubsub:
        pubsub.psubscribe("*")
        pubsub.get_message(timeout=WITHIN_S)
        context.run("b", lambda ctx: {})
        channels = [pubsub.get_message(timeout=WITHIN_S)["channel"]]
        assert channels == [b"events:b"]
        assert pubsub.get_message(timeout=0.2) is None


def test_redis_keeps_the_result_of_a_training_for_its_own_time(listening, configured):
    configured(GAN_RESULT_TTL=3600, EVENTS_TTL=86_400)
    context.run("a", lambda ctx: ctx.report(0, "Preparing") or {})
    place = events.names("a")
    for key in (place.state, place.log):
        assert 3590 < endings.client().ttl(key) <= 3600
