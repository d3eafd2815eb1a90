"""One task for every way in which a task can end."""

import os
import signal
import time

from celery import Celery

app = Celery("endings")
app.conf.update(task_track_started=True, broker_connection_retry_on_startup=True)


@app.task(name="endings.add")
def add(left, right):
    return left + right


@app.task(name="endings.boom")
def boom():
    raise ValueError("boom")


@app.task(name="endings.again", bind=True, max_retries=3)
def again(self, times):
    if self.request.retries < times:
        raise self.retry(countdown=0)
    return self.request.retries


@app.task(name="endings.nap")
def nap(seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.02)  # noqa: TID251  # a task's own work, which a pool may switch in
    return seconds


@app.task(name="endings.die")
def die():
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(5)  # noqa: TID251  # the signal may need a moment


@app.task(
    name="endings.die_once", bind=True, acks_late=True, reject_on_worker_lost=True
)
def die_once(self):
    if not self.request.delivery_info["redelivered"]:
        os.kill(os.getpid(), signal.SIGKILL)
    return "at last"
