import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from reference_app import leaving
from reference_app.jobs import State
from reference_app.settings import Settings, settings
from reference_app.steering.tasks import compare

#: Longer than the grace period, whatever the machine.
LONG = {
    "sae_id": "storyteller-layer1-topk",
    "prompt": "The storm",
    "features": [{"feature_idx": 0, "strengths": [-2.0, -1.0, 1.0, 2.0]}],
    "max_new_tokens": 100,
    "temperature": 0.8,
    "seed": 7,
    "num_samples": 256,
}


@pytest.mark.parametrize("comes_back", [True, False])
def test_a_job_that_outlasts_its_worker_is_put_back_and_nothing_is_counted(
    jobs, comes_back
):
    jobs.create("a", "steering.compare", {}, attempts=1)
    jobs.start("a")
    leaving.hand_back("a", comes_back)
    job = jobs.get("a")
    assert (job.state, job.attempt, job.lost) == (State.PENDING, 1, 0)
    # The old message, should it come back, is a copy; the new one is not.
    assert jobs.start("a", 1) is None
    assert jobs.start("a", 2).attempt == 2


def test_a_job_that_was_cancelled_meanwhile_is_not_run_again(jobs):
    jobs.create("a", "steering.compare", {})
    jobs.start("a")
    jobs.request_cancel("a")
    leaving.hand_back("a", comes_back=False)
    assert jobs.get("a").state is State.CANCELLED


def test_a_job_that_ended_at_the_last_moment_stays_ended(jobs):
    jobs.create("a", "steering.compare", {})
    jobs.start("a")
    jobs.finish("a", State.COMPLETED, result={})
    leaving.hand_back("a", comes_back=False)
    assert jobs.get("a").state is State.COMPLETED


def test_a_grace_period_without_room_is_refused():
    with pytest.raises(ValueError, match="greater than 4"):
        Settings(worker_grace=3)


#: The worker, which hands back what runs 16 s before the end of its grace.
LEAVES_EARLY = """
import functools
from reference_app.patterns import shutdown
shutdown.install = functools.partial(shutdown.install, margin_s=16)
from reference_app.__main__ import main
main(["worker"])
"""


@pytest.fixture
def worker(configured):
    configured(WORKER_GRACE=20)
    command = [sys.executable, "-c", LEAVES_EARLY]
    path = os.pathsep.join(filter(None, sys.path))
    process = subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    yield process
    process.kill()
    process.wait(10)


def send(jobs, job_id):
    jobs.create(job_id, compare.name, LONG)
    with compare.app.connection_for_write(settings().celery_broker_url) as connection:
        compare.apply_async(
            args=[LONG],
            task_id=job_id,
            queue="steering",
            soft_time_limit=60,
            time_limit=90,
            ignore_result=True,
            connection=connection,
        )


def until(condition, within_s=120):
    due_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < due_s, "too late"
        threading.Event().wait(0.05)


def test_a_worker_leaves_within_its_grace_and_its_job_waits_for_another(worker, jobs):
    send(jobs, "a")
    until(lambda: jobs.get("a").state is State.STARTED)
    send(jobs, "b")
    begun_s = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(40) == 0
    assert 4 <= time.monotonic() - begun_s < 20
    for job_id, started in (("a", 1), ("b", 0)):
        job = jobs.get(job_id)
        assert (job.state, job.attempt) == (State.PENDING, started)
