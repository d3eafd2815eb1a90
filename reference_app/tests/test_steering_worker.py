"""The real steering worker: a process per run, and nothing of it is left behind."""

import json
import os
import signal
import uuid

import psutil
import pytest

from reference_app import endings, outbox
from reference_app.jobs import State
from reference_app.settings import settings
from reference_app.steering import tasks

REQUEST = {
    "sae_id": "storyteller-layer1-topk",
    "prompt": "The storm",
    "features": [{"feature_idx": 0, "strengths": [1.0]}],
    "max_new_tokens": 10,
    "temperature": 0.8,
    "seed": 7,
    "num_samples": 1,
}
#: Far longer than its limits.
LONG = REQUEST | {"max_new_tokens": 100, "num_samples": 256}
#: Refused by the job function: it looks at the files again.
WRONG = REQUEST | {"sae_id": "nobody"}

MIB = 2**20


@pytest.fixture
def worker(configured, sleepers, process, tmp_path, monkeypatch):
    """A worker of steering with limits that are soon reached."""
    configured(STEERING_MAX_TASKS_PER_CHILD=1)
    return psutil.Process(process("worker", "-Q", "steering").pid)


@pytest.fixture
def run(jobs, until):
    """Submit a job and wait for its ending; `meanwhile` is called when it runs."""

    def submit(request, limits=(30.0, 40.0), meanwhile=None, within_s=60):
        job_id = str(uuid.uuid4())
        attempts = tasks.compare.attempts_after_loss
        kind = tasks.compare.name
        jobs.create(job_id, kind, request, limits=limits, attempts=attempts)
        outbox.publish(outbox.Message.of(jobs.get(job_id)))
        if meanwhile is not None:
            until(lambda: jobs.get(job_id).state is State.STARTED, "it runs", within_s)
            meanwhile(job_id)
        until(lambda: jobs.get(job_id).ended, "it ends", within_s)
        return jobs.get(job_id)

    return submit


def starts(job_id):
    """Return the processes in which the job ran, in order."""
    lines = []
    for path in (settings().data_dir / "journal").glob("*.jsonl"):
        lines += [json.loads(line) for line in path.read_text().splitlines()]
    lines.sort(key=lambda line: line["t_mono"])
    found = [line for line in lines if line["job"] == job_id]
    return [line["pid"] for line in found if line["what"] == "start"]


def held(worker):
    """Return the memory of the worker's processes in MiB, and its zombies."""
    tree = [worker, *worker.children(recursive=True)]
    pss, zombies = 0, []
    for one in tree:
        try:
            if one.status() == psutil.STATUS_ZOMBIE:
                zombies.append(one.pid)
            pss += one.memory_full_info().pss
        except psutil.Error:
            continue
    return pss / MIB, zombies


@pytest.mark.feature("S0-25")
def test_however_a_job_ends_it_ran_once_and_its_process_is_gone(worker, run, until):
    first = run(REQUEST, within_s=90)
    assert first.state is State.COMPLETED
    baseline, _ = held(worker)
    cancel = endings.store().request_cancel
    ended = [
        (run(REQUEST), State.COMPLETED, None),
        (run(WRONG), State.FAILED, "error"),
        (run(LONG, (1.0, 9.0)), State.FAILED, "soft_time_limit"),
        (run(LONG, meanwhile=cancel), State.CANCELLED, None),
        (run(REQUEST), State.COMPLETED, None),
    ]
    for job, state, reason in ended:
        assert (job.state, job.reason) == (state, reason)
    pids = [
        pid for job in (first, *(job for job, *_ in ended)) for pid in starts(job.id)
    ]
    assert len(pids) == len(set(pids)) == 6

    def clean():
        now, zombies = held(worker)
        living = {child.pid for child in worker.children(recursive=True)}
        return not zombies and not living & set(pids) and now <= baseline + 64

    until(clean, f"all gone, and at most 64 MiB above {baseline:.0f}", 10)


@pytest.mark.feature("S0-20")
def test_a_job_whose_process_is_killed_runs_again_and_one_that_kills_each_is_ended(
    worker, process, run, until
):
    process("beat")  # sends the next attempt

    def kill_process(number):
        def kill(job_id):
            until(lambda: len(starts(job_id)) == number, f"run {number}", 60)
            os.kill(starts(job_id)[-1], signal.SIGKILL)

        return kill

    # Killed once: the second run completes
    job = run(LONG | {"num_samples": 8}, meanwhile=kill_process(1), within_s=90)
    assert (job.state, job.attempt) == (State.COMPLETED, 2)
    assert len(set(starts(job.id))) == 2

    def kill_both(job_id):
        kill_process(1)(job_id)
        kill_process(2)(job_id)

    # Killed each time: declared attempts, then an ending that says so
    job = run(LONG, meanwhile=kill_both, within_s=90)
    assert (job.state, job.attempt) == (State.FAILED, 2)
    assert job.reason in ("lost", "poison")
    assert len(starts(job.id)) == 2
    # and the next job is served
    assert run(REQUEST).state is State.COMPLETED
