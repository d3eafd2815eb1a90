"""A message comes back while its job still runs: it is visible before the limit."""

from celery import Celery

app = Celery("seen_twice", broker="redis://redis.invalid/0")
app.conf.update(
    task_acks_late=True,
    task_soft_time_limit=25,
    task_time_limit=30,
    broker_transport_options={
        "visibility_timeout": 4,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    },
    worker_concurrency=2,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
)


@app.task
def render(scene):
    return scene
