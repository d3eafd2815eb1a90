"""An application with a schedule: one task every second, one every night."""

from celery import Celery
from celery.schedules import crontab

app = Celery("scheduled")
app.conf.update(
    task_default_queue="scheduled",
    broker_connection_retry_on_startup=True,
    beat_schedule={
        "sweep": {"task": "scheduled.sweep", "schedule": 1.0},
        "report": {"task": "scheduled.report", "schedule": crontab(hour=3, minute=7)},
    },
)


@app.task(name="scheduled.sweep")
def sweep():
    pass


@app.task(name="scheduled.report")
def report():
    pass
