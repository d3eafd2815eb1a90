"""SIGKILL of the test run leaves nothing behind, whichever the engine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.keeper import belongings
from harness.wait import wait_until

TARGET = Path(__file__).parents[1] / "apps" / "target.toml"

#: Starts a stack as pytest would, says so, and waits for its death.
RUN = """
import sys, threading
from pathlib import Path
from harness.engines.choice import open_engine
from harness.stack import Stack
from harness.target_file import load

target = load(sys.argv[2])
engine = open_engine(sys.argv[1], target)
stack = Stack(target, engine, Path(sys.argv[3])).start()
stack.restart("worker")
job = stack.agent.probe("spawn_child", seconds=600, queue="plain")
print(engine.run_token, flush=True)
threading.Event().wait()
"""


def remaining(engine_name, token):
    """Whatever is left of a run, as the system itself tells."""
    found = list(belongings({}, f"QUEUEPROOF_RUN={token}".encode()))
    if engine_name == "container":
        import docker

        client = docker.from_env()
        about = {"label": f"queueproof.run={token}"}
        found += client.api.containers(all=True, filters=about)
        found += client.api.networks(filters=about)
        client.close()
    return found


@pytest.fixture
def run(engine_name, tmp_path):
    started = []

    def start(**env):
        run = subprocess.Popen(
            [sys.executable, "-c", RUN, engine_name, str(TARGET), str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **env},
        )
        started.append(run)
        return run, run.stdout.readline().strip()

    yield start
    for run in started:
        run.kill()
        run.wait()
        run.stdout.close()


def test_a_killed_run_leaves_nothing_within_ten_seconds(engine_name, run):
    process, token = run()
    assert len(remaining(engine_name, token)) >= 4

    process.kill()

    wait_until(
        lambda: not remaining(engine_name, token), within_s=10, what="nothing is left"
    )


def test_a_run_ends_with_the_process_that_owns_it(engine_name, run):
    """SIGKILL of make: pytest would go on, but its keeper watches make."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1) as make:
        process, token = run(QUEUEPROOF_OWNER_PID=str(make.pid))
        assert remaining(engine_name, token)

        make.kill()

        wait_until(lambda: process.poll() is not None, within_s=10, what="it ended")
        wait_until(
            lambda: not remaining(engine_name, token),
            within_s=10,
            what="nothing is left",
        )
