import os
import subprocess
import sys

import pytest

from reference_app import worker
from reference_app.broker import QUEUES
from reference_app.settings import Settings
from reference_app.worker import arguments, ignored_by, rows_of


def value_of(option, line):
    """Return the value that Celery would use, None where nothing is said."""
    return worker.value_of(line, f"--{option}", "-?") or None


def test_the_line_is_made_of_settings_and_the_queue_table():
    line = arguments(Settings())
    assert line[0] == "worker"
    assert value_of("pool", line) == "prefork"
    assert value_of("queues", line) == ",".join(row.name for row in QUEUES)


def test_a_worker_of_several_queues_is_as_strict_as_the_strictest():
    rag = "llmctl_studio.rag.index,llmctl_studio.rag.git"
    line = arguments(Settings(), queues=rag)
    assert value_of("concurrency", line) == "2"
    assert value_of("max-tasks-per-child", line) == "1000"
    line = arguments(Settings(), queues=f"{rag},steering")
    assert value_of("concurrency", line) == "1"
    assert value_of("max-tasks-per-child", line) == "1"


def test_a_queue_that_an_operator_adds_is_served_as_strictly_as_it_wants():
    studio = Settings(worker_queues="llmctl_studio", worker_extra_args="-Q steering")
    for line in (
        arguments(studio),
        arguments(Settings(), queues="llmctl_studio", further=["--queues=steering"]),
    ):
        assert value_of("concurrency", line) == "1"
        assert value_of("max-tasks-per-child", line) == "1"


def test_settings_say_how_steering_is_recycled_and_how_many_jobs_run_at_once():
    configured = Settings(steering_max_tasks_per_child=3, worker_concurrency=4)
    line = arguments(configured, queues="steering")
    assert value_of("max-tasks-per-child", line) == "3"
    assert value_of("concurrency", line) == "4"
    assert value_of("concurrency", arguments(configured, concurrency=5)) == "5"


@pytest.mark.parametrize(
    "options",
    [["--queues=gan,steering"], ["-Q", "steering"], ["-Qgan", "--queues", "steering"]],
)
def test_only_a_worker_that_serves_steering_imports_its_model(options):
    line = arguments(Settings(), queues="gan", further=options)
    names = worker.value_of(line, "--queues", "-Q")
    modules = {row.preload for row in rows_of(names, QUEUES)}
    assert "reference_app.steering.generate" in modules
    assert {row.preload for row in rows_of("llmctl_studio", QUEUES)} == {""}


def test_what_an_operator_adds_wins():
    line = arguments(Settings(), further=("--pool=solo",))
    assert value_of("pool", line) == "solo"
    assert value_of("queues", arguments(Settings(), queues="a,b")) == "a,b"


def test_the_environment_overrides_the_table_and_the_command_overrides_both():
    configured = Settings(
        worker_queues="gan,ml",
        worker_concurrency=3,
        worker_loglevel="DEBUG",
        worker_hostname="gpu-1@%h",
        worker_extra_args="--max-tasks-per-child=7 --time-limit='60'",
    )
    line = arguments(configured)
    assert value_of("queues", line) == "gan,ml"
    assert value_of("concurrency", line) == "3"
    assert value_of("loglevel", line) == "DEBUG"
    assert value_of("hostname", line) == "gpu-1@%h"
    assert value_of("max-tasks-per-child", line) == "7"
    assert value_of("time-limit", line) == "60"
    line = arguments(configured, further=["--max-tasks-per-child", "8"])
    assert value_of("max-tasks-per-child", line) == "8"


@pytest.mark.parametrize(
    ("pool", "named"),
    [
        ("prefork", []),
        ("gevent", ["--max-tasks-per-child", "soft time limits"]),
        ("solo", ["--max-tasks-per-child", "soft time limits", "hard time limits"]),
        ("threads", ["--max-tasks-per-child", "soft time limits", "hard time limits"]),
    ],
)
def test_what_a_pool_ignores_is_known(pool, named):
    assert ignored_by(pool) == named


def test_zero_jobs_per_child_means_no_recycling():
    line = arguments(Settings(steering_max_tasks_per_child=0), queues="steering")
    assert value_of("max-tasks-per-child", line) is None


def test_torch_gets_one_thread_before_anything_is_imported():
    code = "import os, reference_app.worker; print(os.environ['OMP_NUM_THREADS'])"
    environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "1"
