"""Tasks for tests of the topology: `-I reference_app.tests.sleepers` adds them."""

import os
import threading

from celery import Task

from reference_app import endings
from reference_app.broker import app

#: Seconds a sleeper waits to be woken; far more than any test takes.
ASLEEP_S = 60
LOOK_S = 0.05


class Sleep(Task):
    """Notes where it runs, then waits until it is among the `awake`."""

    name = "services.tasks.sleep"

    def run(self) -> None:
        redis = endings.client()
        redis.rpush("started", f"{self.request.id} {os.getpid()}")
        pause = threading.Event()
        for _ in range(int(ASLEEP_S / LOOK_S)):
            if redis.sismember("awake", self.request.id):
                break
            pause.wait(LOOK_S)
        redis.rpush("ended", self.request.id)


app.register_task(Sleep())
