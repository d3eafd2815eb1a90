"""An application with a schedule: one task every second, one every night."""

from celery import Celery
from celery.schedules import crontab

app = Celery("periodic")
app.conf.update(
    task_default_queue="periodic",
    broker_connection_retry_on_startup=True,
    beat_schedule={
        "sweep": {"task": "periodic.sweep", "schedule": 1.0},
        "report": {"task": "periodic.report", "schedule": crontab(hour=3, minute=7)},
    },
)


@app.task(name="periodic.sweep")
def sweep():
    pass


@app.task(name="periodic.report")
def report():
    pass
