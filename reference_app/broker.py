"""The Celery application and its one queue table.

Routes, the declared queues, what a worker serves and how it is started for it, and the
visibility timeout all come from the table.
"""

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass

from celery import Celery
from kombu import Queue

from reference_app import schedule
from reference_app.patterns import broker_bounds
from reference_app.settings import Settings, settings

#: Jobs until a child of a light queue is replaced, against what leaks. A new process
#: takes 0.1 s: after 100 jobs of no length each, that was half of the throughput.
LIGHT = 1000


@dataclass(frozen=True)
class QueueRow:
    """A queue, the tasks that go there, and what a worker of it must be like."""

    name: str
    #: Patterns of task names; the first row that matches takes the task.
    tasks: tuple[str, ...]
    serves: str
    #: Jobs at once in one worker.
    concurrency: int
    #: Jobs until a child is replaced; 0: never.
    per_child: int
    #: Seconds a message of it may stay unacknowledged: with early ack none to speak
    #: of, with late ack the hard limit of its longest job.
    unacked_s: float = 0.0
    #: The module whose imports a worker makes before it forks; empty for none.
    preload: str = ""


def queue_table(settings: Settings) -> tuple[QueueRow, ...]:
    """Return all queues, each under the name its own system gives it."""
    return (
        QueueRow(
            name="steering",
            tasks=("steering.*",),
            serves="SAE steering, on the accelerator",
            concurrency=1,  # one accelerator, one job
            per_child=settings.steering_max_tasks_per_child,
            preload="reference_app.steering.generate",
        ),
        QueueRow(
            name="gan",
            tasks=("gan.*", "tasks.gan_tasks.*"),
            serves="TVAE training and generation",
            concurrency=1,
            per_child=1,  # a training holds all of its rows in memory
            preload="reference_app.tvae.work",
        ),
        QueueRow(
            name="ml",
            tasks=("ml.*", "tasks.ml_tasks.*"),
            serves="training of machines' models in processes of their own",
            concurrency=1,
            per_child=1,
        ),
        QueueRow(
            name="agent",
            tasks=("agent.*",),
            serves="runs of the agent, one after the other",
            concurrency=1,  # a knowledge base has one writer
            per_child=20,  # who has written texts keeps torch
            preload="reference_app.agent.runs",
        ),
        QueueRow(
            name="processing",
            tasks=("processing.*",),
            serves="phases of the agent on their own",
            concurrency=1,
            per_child=20,
            preload="reference_app.agent.runs",
        ),
        QueueRow(
            name="chat",
            tasks=("chat.*",),
            serves="questions to the knowledge base: they are short, and only read",
            concurrency=2,
            per_child=LIGHT,
        ),
        QueueRow(
            name="llmctl_studio.downloads.huggingface",
            tasks=("services.tasks.run_huggingface_download_task",),
            serves="downloads: they wait for the network",
            concurrency=2,
            per_child=LIGHT,
        ),
        QueueRow(
            name="llmctl_studio.rag.index",
            tasks=("rag.worker.tasks.run_index_task",),
            serves="indexing of documents",
            concurrency=2,
            per_child=LIGHT,
        ),
        QueueRow(
            name="llmctl_studio.rag.drive",
            tasks=("rag.worker.tasks.run_drive_*",),
            serves="documents from a drive",
            concurrency=2,
            per_child=LIGHT,
        ),
        QueueRow(
            name="llmctl_studio.rag.git",
            tasks=("rag.worker.tasks.run_git_*",),
            serves="documents from a repository",
            concurrency=2,
            per_child=LIGHT,
        ),
        QueueRow(
            name=DEFAULT_QUEUE,
            tasks=("services.tasks.*", "rehearsal.*"),
            serves="all other work of the studio, its clean-up, and rehearsals",
            concurrency=2,
            per_child=LIGHT,
        ),
    )


#: Where a task goes that was sent by hand, without a route. Never the accelerator's.
DEFAULT_QUEUE = "llmctl_studio"

QUEUES = queue_table(settings())


class UnroutedTask(LookupError):
    """No row of QUEUES matches the task: it would wait where no worker looks."""


def queue_of(task: str) -> str:
    """Return the queue of a task.

    Raises:
        UnroutedTask: the table has no row for it.
    """
    for row in QUEUES:
        if any(fnmatch.fnmatchcase(task, pattern) for pattern in row.tasks):
            return row.name
    raise UnroutedTask(f"{task}: {UnroutedTask.__doc__}")


#: Seconds the broker and the result store may take to answer a publisher.
ANSWER_S = 2.0

#: Seconds a message may lie between the broker and a child.
HELD_S = 30


def visibility_timeout_s(rows: Iterable[QueueRow]) -> float:
    """Return the seconds after which an unacknowledged message comes back.

    One number for all queues, since a worker restores the messages of every queue.
    """
    return max(HELD_S, *(1.5 * row.unacked_s for row in rows))


app = Celery(
    "reference_app",
    broker=settings().celery_broker_url,
    backend=settings().celery_result_backend,
    include=[
        "reference_app.agent.tasks",
        "reference_app.rehearsal.tasks",
        "reference_app.steering.tasks",
        "reference_app.studio.tasks",
        "reference_app.tvae.tasks",
        "reference_app.endings",
    ],
)
# A publisher must answer its user, also when Redis is frozen.
app.conf.update(broker_bounds.settings(ANSWER_S))
app.conf.update(
    task_queues=[Queue(row.name) for row in QUEUES],
    task_routes={
        pattern: {"queue": row.name} for row in QUEUES for pattern in row.tasks
    },
    task_default_queue=DEFAULT_QUEUE,
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
        "visibility_timeout": visibility_timeout_s(QUEUES),
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        # A worker that is killed while it looks for such messages, or whose Redis goes
        # silent then, keeps all others from it for so long; by default for 300 s.
        "unacked_mutex_expire": 10,
    },
    # Also for `celery beat` and `worker -B`: whoever schedules needs the lock.
    beat_scheduler="reference_app.beat:LockedScheduler",
    beat_schedule=schedule.entries(settings()),
    result_expires=3600,
    worker_hijack_root_logger=False,
)
