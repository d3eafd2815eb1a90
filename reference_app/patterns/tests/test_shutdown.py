import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from celery import signals

from reference_app.patterns import shutdown


@pytest.fixture
def installed(monkeypatch):
    """Return a function that installs the pattern and gives its receiver."""
    receivers = []
    monkeypatch.setattr(
        signals.worker_shutting_down,
        "connect",
        lambda receiver, weak: receivers.append(receiver),
    )

    def install(**options):
        shutdown.install(**options)
        return receivers.pop()

    return install


@pytest.fixture
def quit_seen():
    """What Celery's main process does with the second signal."""
    seen = threading.Event()
    previous = signal.signal(signal.SIGQUIT, lambda *_: seen.set())
    yield seen
    signal.signal(signal.SIGQUIT, previous)


def test_after_the_grace_each_running_job_is_handed_back_then_the_worker_leaves(
    installed, quit_seen, monkeypatch
):
    monkeypatch.setattr(shutdown, "running", lambda: [("a", True), ("b", False)])
    handed = []

    def hand_back(job_id, comes_back):
        assert not quit_seen.is_set()
        handed.append((job_id, comes_back))
        if job_id == "a":
            raise ConnectionError("no database")

    shutting_down = installed(grace_s=0.3, margin_s=0.1, hand_back=hand_back)
    shutting_down(how="Warm", sig="SIGTERM")
    shutting_down(how="Warm", sig="SIGTERM")  # an impatient operator
    assert quit_seen.wait(10)
    assert handed == [("a", True), ("b", False)]


def test_a_cold_shutdown_is_left_alone(installed, quit_seen):
    before = threading.active_count()
    shutting_down = installed(grace_s=10, margin_s=1, hand_back=pytest.fail)
    shutting_down(how="Cold", sig="SIGQUIT")
    assert threading.active_count() == before


@pytest.mark.parametrize(("grace_s", "margin_s"), [(4, 4), (1, 4), (10, 0)])
def test_a_grace_period_without_room_is_refused(grace_s, margin_s):
    with pytest.raises(ValueError, match=f"grace_s={grace_s}, margin_s={margin_s}"):
        shutdown.install(grace_s=grace_s, margin_s=margin_s, hand_back=pytest.fail)


CODE = (
    "from reference_app.patterns import shutdown; print(shutdown.entry_point_warning())"
)


@pytest.mark.parametrize(
    ("script", "heard"),
    [
        (f'{sys.executable} -c "{CODE}"; true', False),
        (f'exec {sys.executable} -c "{CODE}"', True),
    ],
    ids=["child", "exec"],
)
def test_a_shell_that_keeps_the_signal_is_named(script, heard):
    path = os.pathsep.join(filter(None, sys.path))
    said = subprocess.run(
        ["sh", "-c", script],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said.startswith("None" if heard else "started by `")


APP = """
from reference_app.patterns import shutdown

shutdown.install(grace_s=20, margin_s=18, hand_back=lambda *job: note("back", *job))
app.conf.update(worker_disable_prefetch=True)

def work():
    note("start")
    client.blpop("go", timeout=60)
    note("end")

early = app.task(work, name="early")
late = app.task(work, name="late", acks_late=True)
"""

GRACE_S = 20


@pytest.mark.real
@pytest.mark.parametrize("task", ["early", "late"])
def test_a_job_that_ends_within_the_grace_is_finished_and_the_next_one_waits(
    workers, task
):
    workers.define(APP)
    worker = workers.start()
    workers.send(task, job_id="a")
    assert workers.next_note() == "start"
    workers.send(task, job_id="b")
    worker.send_signal(signal.SIGTERM)
    workers.client.rpush("go", "on")
    assert workers.next_note() == "end"
    assert worker.wait(GRACE_S) == 0
    assert workers.client.llen("notes") == 0  # nothing was handed back
    workers.start()
    assert workers.next_note() == "start"


def told_of_a_job_that_outlasts_its_worker(workers, task):
    workers.define(APP)
    worker = workers.start()
    workers.send(task, job_id="a")
    assert workers.next_note() == "start"
    begun_s = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    told = workers.next_note()
    assert worker.wait(GRACE_S) == 0
    assert time.monotonic() - begun_s < GRACE_S
    return told


@pytest.mark.real
def test_a_longer_job_that_acknowledges_late_runs_on_the_next_worker(workers):
    assert told_of_a_job_that_outlasts_its_worker(workers, "late") == "back a True"
    workers.start()
    workers.client.rpush("go", "on")
    assert workers.next_note() == "start"
    assert workers.next_note() == "end"


@pytest.mark.real
def test_a_longer_job_that_was_acknowledged_is_named_and_the_worker_leaves(workers):
    assert told_of_a_job_that_outlasts_its_worker(workers, "early") == "back a False"
    # The waiting ones are still there, and the job that ran is gone for good.
    workers.send("early", job_id="b")
    workers.start()
    assert workers.next_note() == "start"
