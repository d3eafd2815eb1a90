import os
import subprocess
import sys

from reference_app.settings import Settings
from reference_app.worker import arguments


def value_of(option, line):
    """Return the value that Celery would use: the last one."""
    found = [item for item in line if item.startswith(f"--{option}=")]
    return found[-1].partition("=")[2] if found else None


def test_the_line_is_made_of_settings_and_the_queue_table():
    line = arguments(Settings(steering_max_tasks_per_child=3))
    assert line[0] == "worker"
    assert value_of("pool", line) == "prefork"
    assert value_of("concurrency", line) == "1"
    assert value_of("queues", line) == "steering,gan,ml"
    assert value_of("max-tasks-per-child", line) == "3"


def test_what_an_operator_adds_wins():
    line = arguments(Settings(), further=("--pool=solo",))
    assert value_of("pool", line) == "solo"
    assert value_of("queues", arguments(Settings(), queues="a,b")) == "a,b"


def test_zero_jobs_per_child_means_no_recycling():
    line = arguments(Settings(steering_max_tasks_per_child=0))
    assert value_of("max-tasks-per-child", line) is None


def test_torch_gets_one_thread_before_anything_is_imported():
    code = "import os, reference_app.worker; print(os.environ['OMP_NUM_THREADS'])"
    environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "1"
