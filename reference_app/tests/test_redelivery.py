"""Real workers that die at the worst moment, and the job that runs all the same."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import pytest

from reference_app import submission
from reference_app.jobs import State
from reference_app.reconcile import Reconciler
from reference_app.settings import settings
from reference_app.steering import tasks

WITHIN_S = 120

REQUEST = {
    "sae_id": "storyteller-layer1-topk",
    "prompt": "The storm",
    "features": [{"feature_idx": 0, "strengths": [1.0]}],
    "max_new_tokens": 20,
    "seed": 7,
}


@pytest.fixture(autouse=True)
def _longer_leases(configured):
    configured(LEASE_SECONDS=1)


@contextlib.contextmanager
def worker():
    """A worker as deployed, ready; its main process is in a session of its own."""
    command = [sys.executable, "-m", "reference_app", "worker", "-Q", "steering"]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        for line in process.stderr:
            if "ready." in line:
                break
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(WITHIN_S)
        process.stderr.close()


def until(condition, step=lambda: None):
    over_s = time.monotonic() + WITHIN_S
    while not (value := condition()):
        assert time.monotonic() < over_s, "it did not happen in time"
        threading.Event().wait(0.1)
        step()
    return value


def submit(**changes):
    return submission.submit(tasks.compare, REQUEST | changes, (50.0, 55.0))


def starts(job_id):
    lines = []
    for file in pathlib.Path(settings().journal_dir).iterdir():
        lines += map(json.loads, file.read_text().splitlines())
    lines.sort(key=lambda line: line["t_mono"])
    mine = [line for line in lines if line["job"] == job_id]
    return [line["attempt"] for line in mine if line["what"] == "start"]


def swallowed(process, queue, jobs):
    """Freeze the worker while Redis holds its BRPOP, and submit into that."""
    for _ in range(10):
        until(lambda: queue.info("clients")["blocked_clients"] > 0)
        os.kill(process.pid, signal.SIGSTOP)
        job_id = submit()
        if queue.llen("steering") == 0:
            return job_id
        # The BRPOP had run out just then: the message waits, all is well.
        os.kill(process.pid, signal.SIGCONT)
        until(lambda job_id=job_id: jobs.get(job_id).ended)
    return pytest.fail("no message got into the dead connection")


def test_what_a_worker_had_when_it_was_killed_is_done_by_the_next(queue, jobs):
    reconciler = Reconciler(settings())
    with worker() as process:
        # A message that was taken into a dead connection is in no queue any more
        swallowed_id = swallowed(process, queue, jobs)
        assert queue.hlen("unacked") == 0
    with worker():
        until(lambda: jobs.get(swallowed_id).ended, reconciler.run)
        job = jobs.get(swallowed_id)
        assert (job.state, job.attempt) == (State.COMPLETED, 1)
        # and one that was being worked on was acknowledged before
        running_id = submit(num_samples=256, max_new_tokens=100)
        until(lambda: starts(running_id))
    with worker():
        until(lambda: len(starts(running_id)) == 2, reconciler.run)
        jobs.request_cancel(running_id)
        until(lambda: jobs.get(running_id).ended, reconciler.run)
    assert jobs.get(running_id).state is State.CANCELLED
    assert (starts(swallowed_id), starts(running_id)) == ([1], [1, 2])
