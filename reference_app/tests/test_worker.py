import os
import subprocess
import sys

import pytest

from reference_app.broker import QUEUES
from reference_app.settings import Settings
from reference_app.worker import arguments, queues_in, rows_of


def value_of(option, line):
    """Return the value that Celery would use: the last one."""
    found = [item for item in line if item.startswith(f"--{option}=")]
    return found[-1].partition("=")[2] if found else None


def test_the_line_is_made_of_settings_and_the_queue_table():
    line = arguments(Settings())
    assert line[0] == "worker"
    assert value_of("pool", line) == "prefork"
    assert value_of("queues", line) == ",".join(row.name for row in QUEUES)


def test_a_worker_of_several_queues_is_as_strict_as_the_strictest():
    rag = "llmctl_studio.rag.index,llmctl_studio.rag.git"
    line = arguments(Settings(), queues=rag)
    assert value_of("concurrency", line) == "2"
    assert value_of("max-tasks-per-child", line) == "100"
    line = arguments(Settings(), queues=f"{rag},steering")
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
    modules = {row.preload for row in rows_of(queues_in(line), QUEUES)} - {""}
    assert "reference_app.steering.generate" in modules
    assert {row.preload for row in rows_of("llmctl_studio", QUEUES)} == {""}


def test_what_an_operator_adds_wins():
    line = arguments(Settings(), further=("--pool=solo",))
    assert value_of("pool", line) == "solo"
    assert value_of("queues", arguments(Settings(), queues="a,b")) == "a,b"


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
