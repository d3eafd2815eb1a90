"""The Celery application and its one queue table.

Routes, the worker's `-Q` and the declared queues all come from the table.
"""

import fnmatch
from dataclasses import dataclass

from celery import Celery
from kombu import Queue

from reference_app.patterns import broker_bounds
from reference_app.settings import settings


@dataclass(frozen=True)
class QueueRow:
    """A queue, and the tasks that go there by a pattern of their names."""

    name: str
    tasks: str


QUEUES = (
    QueueRow("steering", "steering.*"),
    QueueRow("gan", "gan.*"),
    QueueRow("ml", "ml.*"),
)


class UnroutedTask(LookupError):
    """No row of QUEUES matches the task: it would wait where no worker looks."""


def queue_of(task: str) -> str:
    """Return the queue of a task.

    Raises:
        UnroutedTask: the table has no row for it.
    """
    for row in QUEUES:
        if fnmatch.fnmatchcase(task, row.tasks):
            return row.name
    raise UnroutedTask(f"{task}: {UnroutedTask.__doc__}")


#: Seconds the broker and the result store may take to answer a publisher.
ANSWER_S = 2.0

#: Seconds a message may lie between the broker and a child.
HELD_S = 30

app = Celery(
    "reference_app",
    broker=settings().celery_broker_url,
    backend=settings().celery_result_backend,
    include=[
        "reference_app.steering.tasks",
        "reference_app.tvae.tasks",
        "reference_app.endings",
    ],
)
# A publisher must answer its user, also when Redis is frozen.
app.conf.update(broker_bounds.settings(ANSWER_S))
app.conf.update(
    task_queues=[Queue(row.name) for row in QUEUES],
    task_routes={row.tasks: {"queue": row.name} for row in QUEUES},
    task_default_queue=QUEUES[0].name,
    # Anything but JSON can execute code in the worker.
    task_serializer="json",
    result_serializer="json",
    accept_content=["json"],
    # Early ack: a lost worker means a failed job, said aloud, and never a second run.
    task_acks_late=False,
    # A message waits in the broker, not behind a running job (measured: 7.5 s).
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,
    # The row is the truth; reading results from Celery is nobody's business.
    task_ignore_result=True,
    task_track_started=True,
    broker_connection_retry_on_startup=True,
    # A worker never gives up; a supervisor could only start it again.
    broker_connection_max_retries=None,
    broker_transport_options={
        **app.conf.broker_transport_options,
        # A message that a dying worker held, but gave to no child, comes back after
        # this. With early ack and no prefetch none is held longer than a child takes
        # to start; nothing here may use a countdown.
        "visibility_timeout": HELD_S,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
    },
    result_expires=3600,
    worker_hijack_root_logger=False,
)
