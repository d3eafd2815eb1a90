import contextlib
import json
import multiprocessing
import os
import signal

import pytest
import redis
from celery.exceptions import Ignore, Retry

from reference_app import endings, late_task
from reference_app.broker import app
from reference_app.patterns.poison import Poison
from reference_app.settings import settings
from reference_app.tests.in_process import forget_connections


class Note(late_task.LateTask):
    """Notes that it worked; then kills its process, if it is told to."""

    name = "services.tasks.note"

    def work(self, deadly=False):
        endings.client().rpush("worked", self.request.id)
        if deadly:
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def task(configured):
    forget_connections()
    yield app.register_task(Note())
    app.tasks.unregister(Note.name)
    forget_connections()


def deliver(task, task_id="a", **options):
    """Run a message of it, as a worker's child does."""
    details = {"delivery_info": {}, "args": [], "kwargs": options, "retries": 0}
    task.push_request(id=task_id, called_directly=False, **details)
    try:
        task.run(**options)
    finally:
        task.pop_request()


def deliver_to_a_child(task, **options):
    fork = multiprocessing.get_context("fork")
    child = fork.Process(target=deliver, args=[task], kwargs=options)
    child.start()
    child.join(20)
    return child.exitcode


def worked():
    return [each.decode() for each in endings.client().lrange("worked", 0, -1)]


def test_a_message_that_comes_again_when_it_is_done_does_nothing(task):
    deliver(task)
    with pytest.raises(Ignore, match="job a is done"):
        deliver(task)
    deliver(task, "b")
    assert worked() == ["a", "b"]


def test_a_copy_of_one_that_may_still_run_is_looked_at_again_later(task):
    assert deliver_to_a_child(task, deadly=True) == -signal.SIGKILL
    with pytest.raises(Retry):
        deliver(task, deadly=True)
    with redis.Redis.from_url(settings().celery_broker_url) as broker:
        (message,) = broker.lrange("llmctl_studio", 0, -1)
    headers = json.loads(message)["headers"]
    assert (headers["id"], headers["eta"] is not None) == ("a", True)
    assert worked() == ["a"]


def test_one_that_kills_its_process_each_time_is_set_aside_and_says_why(
    task, monkeypatch, until
):
    monkeypatch.setattr(late_task, "LEASE_S", 0.1)
    for number in range(1, late_task.STARTS + 1):
        # While the dead one's claim lasts, a copy is only put off
        until(
            lambda: deliver_to_a_child(task, deadly=True) == -signal.SIGKILL,
            f"start {number}",
        )
        assert len(worked()) == number

    def refused():
        with contextlib.suppress(Retry), pytest.raises(Ignore, match="never came to"):
            deliver(task, deadly=True)
        return bool(Poison(endings.client()).quarantine())

    until(refused, "it is refused")
    (entry,) = Poison(endings.client()).quarantine()
    assert entry.message["task"] == Note.name
    assert entry.message["kwargs"] == {"deadly": True}
    assert len(worked()) == late_task.STARTS
