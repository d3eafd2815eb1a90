import itertools
import time
import uuid
from types import SimpleNamespace

import pytest
import redis
from celery import Task
from celery.exceptions import Ignore

from reference_app import broker, endings, schedule
from reference_app.settings import Settings

EVERY_S = 2.0


def sent(at: float) -> Task:
    """A running task whose message was published then."""
    headers = {"entry": "sweep", "every_s": EVERY_S, "sent_at": at}
    return SimpleNamespace(request=headers | {"id": str(uuid.uuid4())})


def runs(moments):
    """Return the moments whose messages have an effect."""
    effective = []
    for at in moments:
        try:
            schedule.claim(endings.client(), sent(at))
        except Ignore:
            continue
        effective.append(at)
    return effective


def test_the_messages_of_one_scheduler_all_run(configured):
    # a few milliseconds early or late, as they are published
    moments = [1000 + i * EVERY_S + (0.004 if i % 2 else 0) for i in range(20)]
    assert runs(moments) == moments


@pytest.mark.parametrize("apart_s", [0, 0.01, 0.5, 1.0, 1.7, 1.95])
def test_of_two_schedulers_one_run_per_slot_has_an_effect(configured, apart_s):
    one = [1000 + i * EVERY_S for i in range(20)]
    other = [at + apart_s for at in one]
    effective = runs(sorted(one + other))
    assert 19 <= len(effective) <= 21
    gaps = [b - a for a, b in itertools.pairwise(effective)]
    assert min(gaps) >= schedule.SLOT * EVERY_S


def test_a_message_that_waited_takes_nothing_from_the_next(configured):
    # Given one that a busy worker ran late, just before the next was published
    assert runs([1000.0]) == [1000.0]
    assert runs([1002.0]) == [1002.0]


def test_a_message_that_is_delivered_again_has_its_slot_still(configured):
    task = sent(1000.0)
    for _ in range(2):
        schedule.claim(endings.client(), task)


def test_the_last_run_is_remembered_for_some_slots_and_then_forgotten(configured):
    runs([1000.0])
    assert 0 < endings.client().ttl("schedule:sweep") <= 20


def test_a_task_that_was_sent_by_hand_always_runs(configured):
    by_hand = SimpleNamespace(request={"id": "a"})
    schedule.claim(redis.Redis(port=1), by_hand)


def test_without_an_answer_nothing_runs(configured):
    with pytest.raises(Ignore, match="no slot"):
        schedule.claim(redis.Redis(port=1), sent(1000.0))


def run_of(task_id: str, name: str = "sweep") -> Task:
    return SimpleNamespace(name=name, request={"id": task_id})


def test_a_run_does_not_begin_while_the_last_one_goes_on(configured):
    client = endings.client()
    with schedule.alone(client, run_of("a"), lasts_s=60):
        with pytest.raises(Ignore, match="not over"):
            schedule.alone(client, run_of("b"), lasts_s=60).__enter__()
        with schedule.alone(client, run_of("c", "mail"), lasts_s=60):
            pass
    with schedule.alone(client, run_of("b"), lasts_s=60):
        assert client.ttl("running:sweep") == 60
    assert not client.exists("running:sweep")


def test_a_run_that_fails_lets_the_next_one_begin(configured):
    with (
        pytest.raises(ValueError, match="disk"),
        schedule.alone(endings.client(), run_of("a"), lasts_s=60),
    ):
        raise ValueError("disk")
    with schedule.alone(endings.client(), run_of("b"), lasts_s=60):
        pass


def test_when_nobody_knows_whether_one_runs_none_does(configured):
    with pytest.raises(Ignore, match="another one"):
        schedule.alone(redis.Redis(port=1), run_of("a"), lasts_s=60).__enter__()


def test_each_message_of_an_entry_says_when_it_was_published():
    headers = {"entry": "sweep", "every_s": EVERY_S}
    schedule._stamp(headers)
    assert headers["sent_at"] == pytest.approx(time.time(), abs=5)
    by_hand: dict[str, object] = {}
    schedule._stamp(by_hand)
    assert by_hand == {}


def test_the_clean_up_is_due_every_interval_and_can_be_switched_off():
    found = schedule.entries(Settings(workspace_cleanup_interval=30))
    (entry,) = found.values()
    assert found.keys() == {"workspace_cleanup"}
    assert entry["schedule"] == 30
    assert entry["options"]["expires"] == 30
    assert broker.queue_of(entry["task"]) == "llmctl_studio"
    assert schedule.entries(Settings(workspace_cleanup_enabled=False)) == {}
