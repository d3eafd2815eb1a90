"""A small application whose delivery is set by its environment; see the defaults."""

import os

from celery import Celery


def number(name, default=None):
    text = os.environ.get(name, "")
    return float(text) if text else default


app = Celery("holding", broker="redis://", backend="redis://")
app.conf.update(
    task_default_queue="holding",
    task_acks_late=bool(number("ACKS_LATE")),
    task_time_limit=number("HARD_S"),
    task_reject_on_worker_lost=bool(number("ACKS_LATE")),
    worker_prefetch_multiplier=int(number("PREFETCH", 1)),
    worker_disable_prefetch=bool(number("DISABLE_PREFETCH")),
    task_track_started=True,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "global_keyprefix": os.environ.get("PREFIX", ""),
        "visibility_timeout": number("VISIBILITY_S", 3600),
        "unacked_restore_interval": number("SWEEP_S", 10),
        "unacked_restore_throttle": int(number("THROTTLE", 10)),
    },
)


@app.task(name="holding.usual")
def usual():
    pass


if number("LATE_TASK"):

    @app.task(name="holding.late", acks_late=True)
    def late():
        pass
