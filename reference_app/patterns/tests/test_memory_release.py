import os
import subprocess
import sys

import pytest

from reference_app.patterns import memory_release
from reference_app.patterns.memory_release import (
    Limit,
    celery_limit_kib,
    private_mib,
    tree,
    tree_pss_mib,
)

MIB = 2**20


def talk(code):
    """Start a process that says a line for each line it gets."""
    path = os.pathsep.join(filter(None, sys.path))
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=pipe,
        stdout=pipe,
        text=True,
        bufsize=1,
        env={**os.environ, "PYTHONPATH": path},
    )


def test_what_a_process_takes_is_counted_and_gone_with_it():
    before_mib = private_mib(os.getpid())
    held = b"x" * (64 * MIB)
    assert 60 < private_mib(os.getpid()) - before_mib < 70
    del held
    assert private_mib(os.getpid()) - before_mib < 8


FORKS = """
import os, sys
held = b"x" * (64 * 2**20)
children = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        sys.stdin.read()
        os._exit(0)
    children.append(child)
print(*children, flush=True)
sys.stdin.read()
"""


def test_pages_that_a_tree_shares_are_counted_once():
    with talk(FORKS) as process:
        children = list(map(int, process.stdout.readline().split()))
        assert sorted(tree(process.pid)) == sorted([process.pid, *children])
        # Four processes see 64 MiB each: by RSS more than 256.
        assert 64 < tree_pss_mib(process.pid) < 100
        assert private_mib(children[0]) < 20
        process.stdin.close()


def test_a_process_that_has_ended_holds_nothing():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait(10)
    assert tree_pss_mib(process.pid) == 0
    assert private_mib(process.pid) == 0


FRAGMENTS = """
from reference_app.patterns.memory_release import private_mib, release
import os
def say():
    print(private_mib(os.getpid()), flush=True)
say()
blocks = [b"x" * 16_000 for _ in range(8_000)]
pin = b"x" * 16_000  # the heap's top stays, so free() alone returns nothing
say()
del blocks
say()
release()
say()
"""


def test_release_gives_back_what_the_allocator_keeps():
    with talk(FRAGMENTS) as process:
        idle, full, deleted, released = map(float, process.stdout.read().split())
    assert full - idle > 120
    assert deleted - idle > 100
    assert released - idle < 8


def test_a_cycle_is_released():
    gone = []

    class Model:
        def __del__(self):
            gone.append(True)

    model = Model()
    model.itself = model
    del model
    memory_release.release()
    assert gone


def test_a_new_process_is_asked_for_only_above_the_limit():
    asked = []
    kept_mib = Limit(10_000, asked.append).after_job()
    assert asked == []
    assert kept_mib > 5
    held = b"x" * (32 * MIB)
    assert Limit(kept_mib + 16, asked.append).after_job() > kept_mib + 16
    assert len(asked) == 1
    assert held


def test_torch_is_not_imported_for_it():
    code = "from reference_app.patterns import memory_release as m; import sys; "
    code += "m.release(); print('torch' in sys.modules)"
    with talk(code) as process:
        assert process.stdout.read().strip() == "False"


APP = """
from reference_app.patterns.memory_release import celery_limit_kib

app.conf.worker_max_memory_per_child = celery_limit_kib(64)

@app.task(name="hold")
def hold(mib):
    held = b"x" * (mib * 2**20)
    note(os.getpid())
"""


def test_the_limit_for_celery_is_above_what_is_there_now():
    assert celery_limit_kib(64) - celery_limit_kib(0) == 64 * 1024
    assert celery_limit_kib(0) > 5 * 1024


def test_the_size_of_whoever_started_the_process_does_not_count():
    large = b"x" * (300 * MIB)
    code = "from reference_app.patterns.memory_release import celery_limit_kib as c; "
    with talk(code + "print(c(0))") as process:
        assert int(process.stdout.read()) < 200 * 1024
    assert len(large) == 300 * MIB


@pytest.mark.real
def test_a_worker_replaces_the_child_that_held_too_much_and_no_other(workers):
    workers.define(APP)
    whoever_starts_it = b"x" * 400 * MIB  # and that counts for nothing
    workers.start()
    del whoever_starts_it
    pids = []
    for number, mib in enumerate([1, 1, 200, 1]):
        workers.send("hold", mib, job_id=f"job-{number}")
        pids.append(workers.next_note())
    assert pids[0] == pids[1] == pids[2] != pids[3]
