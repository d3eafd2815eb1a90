"""The witness in real workers: what it writes, and that nobody notices it."""

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from harness import witness_site
from harness.ledger import Folder
from harness.stack import Stack
from harness.wait import wait_until
from harness.witness_site.queueproof_witness import ledger as written
from harness.witness_site.queueproof_witness import probe_tasks

SITE = str(Path(witness_site.__file__).parent)


def ends(stack, job, count=1):
    def found():
        lines = [
            entry
            for entry in stack.executions.lines("ledger", job)
            if entry["what"] == "end"
        ]
        return lines if len(lines) >= count else None

    return wait_until(
        found,
        within_s=20,
        what=f"{count} ends of {job}",
        on_timeout=lambda: str(stack.executions.lines("ledger", job)),
    )


def marks(stack, job):
    lines = stack.executions.lines("ledger", job)
    return [entry["name"] for entry in lines if entry["what"] == "mark"]


@pytest.fixture
def probe(plain_stack):
    """Send a probe task to a private queue of the kept probe worker."""
    worker = plain_stack.probe_worker()

    def send(name, **kwargs):
        return plain_stack.agent.probe(name, queue=worker.queue(), **kwargs)

    return send


def test_a_run_is_a_start_a_mark_and_an_end_of_one_process(plain_stack, probe):
    job = probe("sleep")

    end = ends(plain_stack, job)[0]

    start, mark, last = plain_stack.executions.lines("ledger", job)
    assert (start["what"], mark["name"], last) == ("start", "cleanup", end)
    assert start["task"] == "queueproof.sleep"
    assert start["queue"].startswith("qp-0-")
    assert start["role"] == end["role"] == "child"
    assert start["worker"].startswith("probe-0@")
    assert (start["pid"], start["pid_start"]) == (end["pid"], end["pid_start"])
    assert start["t_mono"] <= mark["t_mono"] <= end["t_mono"]
    assert start["boot"]
    assert start["time_ns"].startswith("time:")
    assert end["how"] == "success"


@pytest.mark.parametrize(
    ("task", "arguments", "how"),
    [
        ("spin", {"seconds": 0.01}, "success"),
        ("coroutine", {"seconds": 0.01}, "success"),
        ("burst", {"count": 5}, "success"),
        ("spawn_child", {"seconds": 0.01}, "success"),
        ("hold_memory", {"mib": 8, "seconds": 0.01}, "success"),
        (
            "hold_memory",
            {"mib": 8, "seconds": 0.01, "ends": "raises"},
            "failure:ValueError",
        ),
        (
            "hold_memory",
            {"mib": 8, "seconds": 1, "ends": "swallows", "soft_s": 0.3, "hard_s": 8},
            "success",
        ),
        ("start_processes", {"seconds": 0.01, "outlive_s": 0.5}, "success"),
        ("ignore_term", {"seconds": 0.01}, "success"),
        ("native", {"seconds": 0.01}, "success"),
        ("sleep", {"seconds": "x"}, "failure:TypeError"),
        ("sleep", {"seconds": 5, "soft_s": 0.3, "hard_s": 8}, "soft_time_limit"),
    ],
)
def test_every_probe_task_ends_as_it_should(plain_stack, probe, task, arguments, how):
    job = probe(task, **arguments)

    assert [end["how"] for end in ends(plain_stack, job)] == [how]
    assert marks(plain_stack, job)[-1] == "cleanup"


def test_memory_is_held_until_it_is_released_and_never_again(plain_stack, probe):
    job = probe("hold_memory", mib=8, seconds=20)
    wait_until(
        lambda: marks(plain_stack, job) == ["held"], within_s=20, what="it holds"
    )

    plain_stack.agent.release(job)
    ends(plain_stack, job)
    plain_stack.agent.send(
        "queueproof.hold_memory",
        kwargs={"mib": 8, "seconds": 20},
        queue=plain_stack.probe_worker().queue(),
        task_id=job,
    )

    hows = [end["how"] for end in ends(plain_stack, job, count=2)]
    assert hows == ["success", "success"]
    assert marks(plain_stack, job) == ["held", "cleanup", "cleanup"]


def test_ticks_show_that_a_task_is_still_at_it(plain_stack, probe):
    job = probe("sleep", seconds=0.05, ticks=5)

    ends(plain_stack, job)

    assert marks(plain_stack, job) == ["tick"] * 5 + ["cleanup"]


def test_a_retry_is_two_runs(plain_stack, probe):
    job = probe("retry", times=1)

    hows = [end["how"] for end in ends(plain_stack, job, count=2)]

    assert hows == ["retry", "success"]


def test_a_child_killed_between_two_marks_leaves_all_it_wrote(
    plain_stack, process_engine
):
    worker = plain_stack.probe_worker()
    job = plain_stack.agent.probe("sleep", seconds=9, ticks=90, queue=worker.queue())
    wait_until(
        lambda: marks(plain_stack, job).count("tick") >= 3,
        within_s=20,
        what="it is at its third mark",
    )

    child = plain_stack.pid_of_child(job)
    assert process_engine.signal(child, signal.SIGKILL)

    (end,) = ends(plain_stack, job)
    assert (end["role"], end["how"]) == ("parent", "lost")
    start, *ticks, last = plain_stack.executions.lines("ledger", job)
    assert (start["what"], start["redelivered"], last) == ("start", False, end)
    assert {(tick["name"], tick["pid"]) for tick in ticks} == {("tick", child.pid)}


def test_nothing_is_lost_when_a_process_dies_at_once_after_a_line(tmp_path):
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); "
        "from queueproof_witness.ledger import Ledger\n"
        "ledger = Ledger(sys.argv[2])\n"
        "for n in range(500): ledger.write('mark', n=n)\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, SITE, tmp_path], check=False)

    (file,) = tmp_path.iterdir()
    with file.open("a") as stream:
        stream.write('{"what": "ma')  # as a machine that went down leaves it
    assert [line["n"] for line in Folder(tmp_path).new_lines()] == list(range(500))


def test_a_swallowed_soft_limit_is_marked_and_the_task_goes_on(plain_stack, probe):
    job = probe("swallow", seconds=5.0, soft_s=0.3, hard_s=12)

    assert ends(plain_stack, job)[0]["how"] == "success"
    assert marks(plain_stack, job)[0] == "swallowed SoftTimeLimitExceeded"


def test_what_a_child_cannot_say_the_main_process_does(plain_stack):
    """A hard limit kills in native code: no end from the child, one from above."""
    worker = plain_stack.probe_worker()
    job = plain_stack.agent.probe(
        "native", seconds=30, hard_s=0.6, queue=worker.queue()
    )

    end = ends(plain_stack, job)[0]

    assert (end["role"], end["how"]) == ("parent", "hard_time_limit")
    assert end["pid"] == plain_stack.process(worker.role).id.pid


def test_an_unknown_task_is_told_by_the_main_process(plain_stack):
    worker = plain_stack.probe_worker()

    job = plain_stack.agent.send("no.such.task", queue=worker.queue())

    assert ends(plain_stack, job)[0]["how"] == "unknown"


def test_files_are_open_to_every_user_whatever_the_umask(plain_stack):
    files = list(plain_stack.layout.ledger.glob("ledger-*.jsonl"))

    assert files
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o666}
    assert stat.S_IMODE(plain_stack.layout.ledger.stat().st_mode) == 0o1777


def test_a_line_never_exceeds_one_write(tmp_path):
    ledger = written.Ledger(str(tmp_path))

    ledger.write("end", **dict.fromkeys("abcdefgh", "☃" * 5000))

    (file,) = tmp_path.iterdir()
    assert len(file.read_bytes()) <= written.LINE_BYTES
    assert json.loads(file.read_text())["a"].startswith("\u2603")


def test_a_folder_that_is_gone_costs_the_line_and_nothing_else(tmp_path):
    written.Ledger(str(tmp_path / "gone")).write("start", job="j")


def test_states_are_the_same_without_the_witness(
    process_engine, plain_target, plain_stack, tmp_path
):
    final = ("SUCCESS", "FAILURE")

    def states(stack):
        sent = [
            stack.agent.send("plain.add", (1, 2), queue="plain"),
            stack.agent.send("plain.boom", queue="plain"),
            stack.agent.send("no.such.task", queue="plain"),
        ]

        def ready():
            found = [stack.agent.state(job) for job in sent]
            return found if all(f["state"] in final for f in found) else None

        return wait_until(ready, within_s=20, what="all have a final state")

    without = Stack(plain_target, process_engine, tmp_path, witness=False).start()
    try:
        assert states(without) == states(plain_stack)
        assert list(without.layout.ledger.iterdir()) == []
    finally:
        without.stop()


class Cuda:
    """CUDA's driver as far as it is called; `fails` is the call that it refuses."""

    def __init__(self, fails=""):
        self.calls, self._fails = [], fails

    def __getattr__(self, name):
        def call(*_):
            self.calls.append(name)
            return 2 if name == self._fails else 0

        return call


def test_memory_of_a_card_is_taken_in_order_and_given_back(monkeypatch):
    cuda = Cuda()
    monkeypatch.setattr(probe_tasks.ctypes, "CDLL", lambda name: cuda)

    with probe_tasks._on_card(512):
        taken = ["cuInit", "cuDeviceGet", "cuCtxCreate_v2", "cuMemAlloc_v2"]
        assert cuda.calls == taken

    assert cuda.calls == [*taken, "cuCtxDestroy_v2"]


def test_a_full_card_is_an_error_of_the_task_with_its_number(monkeypatch):
    monkeypatch.setattr(probe_tasks.ctypes, "CDLL", lambda name: Cuda("cuMemAlloc_v2"))

    with pytest.raises(OSError, match="cuMemAlloc_v2: CUDA error 2"):
        probe_tasks._on_card(512).__enter__()


# The chaining sitecustomize


def python(code, path, **env):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path, **env},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def test_the_sitecustomize_it_hides_still_runs(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("print('theirs')")

    seen = python(
        "import sys; print(sys.modules['sitecustomize'].__file__)",
        f"{SITE}{os.pathsep}{tmp_path}",
        QUEUEPROOF_LEDGER=str(tmp_path),
    )

    assert seen.splitlines() == ["theirs", str(tmp_path / "sitecustomize.py")]


def test_a_process_without_celery_never_loads_the_witness():
    code = (
        "import sys, json; print('queueproof_witness' in sys.modules, "
        "'importlib.util' in sys.modules and 'asyncio' in sys.modules)"
    )

    assert python(code, SITE, QUEUEPROOF_LEDGER=".") == "False False"


def test_a_process_that_only_sends_tasks_gets_no_probe_task_and_no_ledger(tmp_path):
    code = (
        "import sys, celery.signals; app = celery.Celery('a'); app.finalize(); "
        "print('queueproof_witness' in sys.modules, "
        "'queueproof_witness.probe_tasks' in sys.modules, "
        "any(name.startswith('queueproof') for name in app.tasks))"
    )

    seen = python(code, SITE, QUEUEPROOF_LEDGER=str(tmp_path))

    assert seen == "True False False"
    assert list(tmp_path.iterdir()) == []


def test_an_application_that_rebuilds_its_path_is_watched_all_the_same(tmp_path):
    code = (
        "import os, sys; "
        "sys.path = [p for p in sys.path if 'witness_site' not in p]; "
        "import celery.signals; print(len(sys.modules['queueproof_witness'].__path__), "
        "any('witness_site' in p for p in sys.path))"
    )

    assert python(code, SITE, QUEUEPROOF_LEDGER=str(tmp_path)) == "1 False"


def test_without_its_variable_it_does_nothing():
    code = "import sys, celery.signals; print('queueproof_witness' in sys.modules)"

    assert python(code, SITE) == "False"
