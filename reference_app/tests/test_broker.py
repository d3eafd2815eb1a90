import pytest

from reference_app.broker import QUEUES, UnroutedTask, app, queue_of


def own_tasks():
    app.loader.import_default_modules()
    return [name for name in app.tasks if not name.startswith("celery.")]


def test_every_task_goes_to_a_queue_of_the_table():
    names = own_tasks()
    assert {"steering.compare", "steering.sweep"} <= set(names)
    for name in names:
        routed = app.amqp.router.route({}, name)["queue"].name
        assert routed == queue_of(name)
        assert routed in {row.name for row in QUEUES}


def test_the_declared_queues_are_those_of_the_table():
    assert set(app.amqp.queues) == {row.name for row in QUEUES}


def test_a_task_without_a_row_is_refused():
    with pytest.raises(UnroutedTask, match=r"nobody\.train"):
        queue_of("nobody.train")


def test_only_json_is_accepted():
    assert app.conf.accept_content == ["json"]


def test_no_task_is_retried_or_acknowledged_late():
    own_tasks()
    for name in ("steering.compare", "steering.sweep"):
        assert app.tasks[name].max_retries == 0
        assert not app.tasks[name].acks_late
