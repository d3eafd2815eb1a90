import celery
import pytest
from celery import signals

from reference_app import memory
from reference_app.settings import Settings


@pytest.fixture
def app():
    app = celery.Celery("test", set_as_current=False)
    yield app
    signals.task_postrun.disconnect(dispatch_uid=memory.RELEASE)


def released(monkeypatch):
    done = []
    monkeypatch.setattr(memory.memory_release, "release", lambda: done.append(True))
    signals.task_postrun.send(sender=None, task_id="a")
    return bool(done)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (["--max-tasks-per-child=1"], False),
        (["--max-tasks-per-child=100"], True),
        (["--max-tasks-per-child=1", "--max-tasks-per-child=5"], True),
        ([], True),
    ],
)
def test_memory_is_released_where_the_child_goes_on(app, monkeypatch, line, expected):
    memory.install(app, Settings(), line)
    assert released(monkeypatch) is expected


def test_what_has_not_grown_has_nothing_to_release(app, monkeypatch):
    memory.install(app, Settings(), [])
    assert released(monkeypatch)  # what the first job has imported
    assert not released(monkeypatch)
    held = b"x" * (64 * 2**20)
    assert released(monkeypatch)
    assert not released(monkeypatch)  # that stays, and is not looked for again
    del held


def test_a_process_that_has_used_a_device_releases_after_each_job(app, monkeypatch):
    monkeypatch.setattr(memory, "_device_used", lambda: True)
    memory.install(app, Settings(), [])
    assert released(monkeypatch)
    assert released(monkeypatch)


def test_the_limit_counts_from_what_the_parent_has_loaded(app):
    memory.install(app, Settings(worker_max_memory_per_child=512), [])
    assert app.conf.worker_max_memory_per_child > 512 * 1024


def test_without_a_limit_no_child_is_replaced_for_its_memory(app):
    memory.install(app, Settings(), [])
    assert not app.conf.worker_max_memory_per_child
