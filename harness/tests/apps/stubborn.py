"""An application that insists on its own broker for reading."""

from celery import Celery

app = Celery("stubborn")
app.conf.broker_read_url = "redis://:secret@production.invalid:6379/0"
