import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import celery
import pytest

from reference_app.patterns import orphans

#: Of this process, run in another: it becomes the parent of orphans, and reaps.
APP = """
import os, signal, subprocess
from reference_app.patterns import orphans

orphans.install(app)

DEAF = "trap '' TERM HUP; sleep 60"

def start():
    "A pipeline of a shell, a fork, and a daemon in a session of its own."
    pipe = subprocess.Popen(f"{DEAF} | cat", shell=True)
    fork = os.fork()
    if fork == 0:
        signal.pause()
    told, tell = os.pipe()
    between = os.fork()
    if between == 0:
        os.setsid()
        daemon = os.fork()
        if daemon:
            os.write(tell, str(daemon).encode())
            os._exit(0)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            signal.pause()
    os.waitpid(between, 0)
    sleeps = subprocess.run(["pgrep", "-P", str(pipe.pid)], capture_output=True)
    below = [int(pid) for pid in sleeps.stdout.split()]
    note(os.getpid(), pipe.pid, fork, int(os.read(told, 20)), *below)

@app.task(name="ends")
def ends():
    start()

@app.task(name="fails", soft_time_limit=2)
def fails():
    start()
    raise ValueError("a job that cleans nothing up")

@app.task(name="stays")
def stays():
    start()
    client.blpop("go", timeout=30)

@app.task(name="next")
def following():
    note("next", os.getpid())
"""


def is_gone(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def all_gone(pids, within_s=10.0):
    """Whether they are; a process is looked at until it is."""
    wait = f"import os\nwhile any(os.path.exists(f'/proc/{{p}}') for p in {pids}): pass"
    try:
        subprocess.run([sys.executable, "-c", wait], timeout=within_s, check=True)
    except subprocess.TimeoutExpired:
        return all(is_gone(pid) for pid in pids)
    return True


@pytest.mark.real
@pytest.mark.parametrize("task", ["ends", "fails"])
def test_before_the_next_job_of_a_child_all_that_the_last_one_started_is_gone(
    workers, task
):
    workers.define(APP)
    workers.start()
    workers.send(task, job_id="a")
    child, *started = map(int, workers.next_note().split())
    workers.send("next", job_id="b")
    assert workers.next_note() == f"next {child}"
    assert len(started) >= 3
    assert all(is_gone(pid) for pid in started)


@pytest.mark.real
def test_what_a_killed_child_leaves_is_killed_by_the_main_process(workers):
    workers.define(APP)
    worker = workers.start()
    workers.send("stays", job_id="a")
    child, *started = map(int, workers.next_note().split())
    assert not any(is_gone(pid) for pid in started)
    os.kill(child, signal.SIGKILL)
    assert all_gone(started)
    workers.send("next", job_id="b")
    assert workers.next_note().startswith("next ")
    assert worker.poll() is None


def test_who_was_there_before_the_job_stays():
    """Other tests may have children in this process: those are not the job's either."""
    job = orphans.Job()
    before = subprocess.Popen(["sleep", "30"])
    job.begin()
    during = subprocess.Popen(["sleep", "30"])
    job.end()
    try:
        assert before.poll() is None
        assert is_gone(during.pid)
        during.wait()
    finally:
        before.kill()
        before.wait()


def test_the_main_process_looks_only_when_a_child_of_its_pool_has_ended(monkeypatch):
    killed, here = [], {1, 2, 9}
    monkeypatch.setattr(orphans, "_children", lambda: frozenset(here))
    monkeypatch.setattr(orphans, "_kill", lambda found, _: killed.append(set(found)))
    pool = [1, 2]
    watch = orphans.Orphans(lambda: pool)
    watch.look()  # 9 was started by the main process: the beat of `worker -B`
    here.add(7)
    watch.look()
    assert killed == []
    pool[:] = [1, 3]
    here.remove(2)
    here.add(3)
    watch.look()
    assert killed == [{7}]
    here.remove(7)
    here.add(8)  # was below 7
    watch.look()
    assert killed == [{7}, {8}]
    here.remove(8)
    watch.look()
    here.add(6)
    watch.look()
    assert killed == [{7}, {8}, set()]


@pytest.mark.parametrize(
    ("hub", "info"), [(None, {"processes": [1]}), (object(), {"threads": 2})]
)
def test_without_an_event_loop_or_in_a_pool_of_threads_nothing_happens(hub, info):
    app = celery.Celery("test", set_as_current=False)
    orphans.install(app)
    (step,) = app.steps["worker"]
    worker = SimpleNamespace(hub=hub, pool=SimpleNamespace(info=info))
    step(worker).start(worker)
