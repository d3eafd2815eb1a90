import dataclasses
import json
import os
import subprocess
import sys

import pytest
import redis
from kombu import pools

from reference_app.broker import (
    HELD_S,
    QUEUES,
    UnroutedTask,
    app,
    queue_of,
    visibility_timeout_s,
)
from reference_app.settings import settings


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


#: As the documents have it: where each task is published.
ROUTES = {
    "steering.compare": "steering",
    "tasks.gan_tasks.train_tvae_task": "gan",
    "tasks.ml_tasks.anything": "ml",
    "services.tasks.cleanup_workspaces": "llmctl_studio",
    "services.tasks.run_agent": "llmctl_studio",
    "services.tasks.run_huggingface_download_task": (
        "llmctl_studio.downloads.huggingface"
    ),
    "rag.worker.tasks.run_index_task": "llmctl_studio.rag.index",
    "rag.worker.tasks.run_drive_task": "llmctl_studio.rag.drive",
    "rag.worker.tasks.run_git_task": "llmctl_studio.rag.git",
    "agent.run_agent": "agent",
    "processing.process_tweets": "processing",
    "chat.process_chat": "chat",
}


@pytest.mark.feature("S2-04", "S0-27", "S3-12")
@pytest.mark.parametrize(("task", "queue"), ROUTES.items())
def test_a_message_waits_on_the_queue_of_its_route_while_no_worker_lives(
    configured, task, queue
):
    pools.reset()
    app.__dict__.pop("amqp", None)
    app._pool = None
    app.send_task(task, ignore_result=True)
    with redis.Redis.from_url(settings().celery_broker_url) as broker:
        (message,) = broker.lrange(queue, 0, -1)
    assert json.loads(message)["headers"]["task"] == task
    assert queue_of(task) == queue


def test_every_queue_of_the_documents_is_in_the_table():
    assert {row.name for row in QUEUES} == set(ROUTES.values())


def test_late_ack_on_one_queue_stretches_the_timeout_of_all():
    assert visibility_timeout_s(QUEUES) == HELD_S
    late = dataclasses.replace(QUEUES[0], unacked_s=7200.0)
    assert visibility_timeout_s((late, *QUEUES[1:])) == 10_800


def urls_of(**variables):
    """Return the broker and the result store of a fresh process."""
    code = (
        "from reference_app.broker import app; "
        "print(app.connection_for_write().as_uri(include_password=True), "
        "app.backend.as_uri(include_password=True))"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CELERY_")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_host_port_and_databases_make_the_urls():
    assert urls_of(
        CELERY_REDIS_HOST="llmctl-redis",
        CELERY_REDIS_PORT="6390",
        CELERY_REDIS_BROKER_DB="3",
        CELERY_REDIS_BACKEND_DB="4",
    ) == ["redis://llmctl-redis:6390/3", "redis://llmctl-redis:6390/4"]


def test_a_whole_url_wins_over_host_and_port():
    assert urls_of(
        CELERY_REDIS_HOST="llmctl-redis",
        CELERY_BROKER_URL="redis://:secret@elsewhere:6379/5",
    ) == ["redis://:secret@elsewhere:6379/5", "redis://llmctl-redis:6379/1"]


def test_only_json_is_accepted():
    assert app.conf.accept_content == ["json"]


def test_no_task_is_retried_or_acknowledged_late():
    own_tasks()
    for name in ("steering.compare", "steering.sweep"):
        assert app.tasks[name].max_retries == 0
        assert not app.tasks[name].acks_late
