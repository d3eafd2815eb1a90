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


def test_a_job_whose_message_is_gone_is_ended_and_one_that_comes_back_is_not(jobs):
    for job_id in ("gone", "comes-back"):
        jobs.create(job_id, "steering.compare", {})
        jobs.start(job_id)
    leaving.hand_back("gone", comes_back=False)
    leaving.hand_back("comes-back", comes_back=True)
    assert (jobs.get("gone").state, jobs.get("gone").reason) == (State.FAILED, "lost")
    assert jobs.get("comes-back").state is State.STARTED


def test_a_grace_period_without_room_is_refused():
    with pytest.raises(ValueError, match="greater than 4"):
        Settings(worker_grace=3)


@pytest.fixture
def worker(configured):
    configured(WORKER_GRACE=8)
    command = [sys.executable, "-m", "reference_app", "worker"]
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


def until(condition, within_s=30):
    due_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < due_s, "too late"
        threading.Event().wait(0.05)


def test_a_worker_leaves_within_its_grace_and_says_what_became_of_its_job(worker, jobs):
    send(jobs, "a")
    until(lambda: jobs.get("a").state is State.STARTED)
    send(jobs, "b")
    begun_s = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0
    assert 4 <= time.monotonic() - begun_s < 8
    job = jobs.get("a")
    assert (job.state, job.reason) == (State.FAILED, "lost")
    assert job.error == "The worker was stopped before the job was done"
    assert jobs.get("b").state is State.PENDING
