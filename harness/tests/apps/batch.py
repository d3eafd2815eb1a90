"""An application whose jobs work on many items, and meet their time limit in one."""

import threading

from celery import Celery
from celery.exceptions import SoftTimeLimitExceeded

app = Celery("batch")
app.conf.update(task_default_queue="batch", broker_connection_retry_on_startup=True)


def work(seconds):
    threading.Event().wait(seconds)


@app.task(name="batch.careful")
def careful(items, seconds):
    for _ in range(items):
        try:
            work(seconds)
        except SoftTimeLimitExceeded:
            raise
        except Exception:  # noqa: BLE001  # what this application is for
            continue


@app.task(name="batch.goes_on")
def goes_on(items, seconds):
    for _ in range(items):
        try:
            work(seconds)
        except Exception:  # noqa: BLE001
            continue


@app.task(name="batch.half_done")
def half_done(items, seconds):
    done = 0
    try:
        for _ in range(items):
            work(seconds)
            done += 1
    except Exception as error:  # noqa: BLE001
        return {"done": done, "error": str(error)}
    return {"done": done}


@app.task(
    name="batch.again",
    autoretry_for=(Exception,),
    max_retries=1,
    default_retry_delay=0,
    retry_backoff=False,
)
def again(items, seconds):
    for _ in range(items):
        work(seconds)


@app.task(name="batch.own_error")
def own_error(items, seconds):
    try:
        for _ in range(items):
            work(seconds)
    except Exception as error:
        raise RuntimeError("one of the items failed") from error
