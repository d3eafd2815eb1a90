"""What only containers have: users, images, labels, published ports."""

import dataclasses
import os
import signal
import sys
from pathlib import Path

import docker
import pytest

from harness.engines import Command
from harness.engines.choice import open_engine
from harness.engines.daemon import reach
from harness.engines.neighbour import neighbour
from harness.engines.reaper import OWNER_LABEL, RUN_LABEL, owner
from harness.errors import EngineError
from harness.faults import Faults
from harness.history import History
from harness.stack import Stack
from harness.target import Container, Target
from harness.target_file import load
from harness.wait import wait_until

PLAIN = load(Path(__file__).parents[1] / "apps" / "target.toml")
NOBODY = 12345


@pytest.fixture
def stack_of(tmp_path):
    """Start a stack of the smallest application in containers of this description."""
    closing = []

    def start(**container):
        target = dataclasses.replace(PLAIN, container=Container(**container))
        engine = open_engine("container", target)
        closing.append(engine.close)
        stack = Stack(target, engine, tmp_path, history=History())
        closing.append(stack.stop)
        return stack.start()

    yield start
    for close in reversed(closing):
        close()


@pytest.fixture
def client():
    client = docker.from_env()
    yield client
    client.close()


def end_of(stack, job):
    def ended():
        lines = stack.executions.lines("ledger", job)
        return next((line for line in lines if line["what"] == "end"), None)

    return wait_until(ended, within_s=30, what=f"{job} has ended")


def running_in(process):
    """Return the command lines in a container, also of what came in later."""
    return [" ".join(line) for line in process.container.top()["Processes"]]


def test_a_user_that_is_not_root_can_write_where_it_must(stack_of):
    stack = stack_of(user=f"{NOBODY}:{NOBODY}")

    job = stack.agent.probe("sleep", queue="plain")

    assert end_of(stack, job)["how"] == "success"
    owners = {file.stat().st_uid for file in stack.layout.ledger.iterdir()}
    assert owners == {NOBODY}
    writes = "import sys; [open(p + '/x', 'w').write('x') for p in sys.argv[1:]]"
    folders = (stack.layout.data, stack.layout.work, stack.layout.journal)
    process = stack.engine.start(
        Command(
            role="writer",
            argv=(sys.executable, "-S", "-c", writes, *map(str, folders)),
            env={},
            cwd=stack.layout.work,
            log=stack.layout.logs / "writer.log",
            folder=stack.layout.root,
        )
    )
    wait_until(lambda: process.exit_code() is not None, within_s=15, what="it wrote")
    assert process.exit_code() == 0, stack.engine.logs(process)
    assert {(folder / "x").stat().st_uid for folder in folders} == {NOBODY}


def test_a_process_of_another_user_is_seen_and_killed(stack_of):
    stack = stack_of(user=f"{NOBODY}:{NOBODY}")
    job = stack.agent.probe("sleep", seconds=60, queue="plain")
    child = wait_until(
        lambda: stack.pid_of_child(job), within_s=30, what="somebody runs it"
    )

    assert stack.engine.memory(child) > 1
    assert stack.engine.signal(child, signal.SIGKILL)
    wait_until(lambda: stack.pid_of_child(job) is None, within_s=10, what="it is gone")


def test_every_container_and_network_says_whose_it_is(stack_of, client):
    stack = stack_of()
    mine = {"label": f"{RUN_LABEL}={stack.engine.run_token}"}

    containers = client.containers.list(filters=mine)
    networks = client.networks.list(filters=mine)

    # redis, agent, worker and the overseer
    assert len(containers) == 4
    assert len(networks) == 1
    for each in containers:
        assert each.labels[OWNER_LABEL] == owner()
    assert networks[0].attrs["Labels"][OWNER_LABEL] == owner()


def test_ports_are_published_on_loopback_only(stack_of, client):
    stack = stack_of()
    redis = client.containers.get(stack.process("redis").container.id)
    port = stack.urls.redis_port

    published = [ports for ports in redis.ports.values() if ports]

    assert published == [[{"HostIp": "127.0.0.1", "HostPort": str(port)}]]


def test_sources_are_read_only(stack_of):
    stack = stack_of()
    target = PLAIN.pythonpath[0] / "written_by_a_container"
    process = stack.engine.start(
        Command(
            role="writer",
            argv=(sys.executable, "-S", "-c", f"open({str(target)!r}, 'w')"),
            env={},
            cwd=stack.layout.work,
            log=stack.layout.logs / "writer.log",
        )
    )
    wait_until(lambda: process.exit_code() is not None, within_s=15, what="it tried")

    assert "Read-only file system" in stack.engine.logs(process)
    assert not target.exists()


def test_a_memory_limit_is_of_each_part(stack_of, client):
    stack = stack_of(memory_mib=300)

    about = client.containers.get(stack.process("worker").container.id).attrs

    assert about["HostConfig"]["Memory"] == 300 * 2**20
    assert about["HostConfig"]["MemorySwap"] == 300 * 2**20


def test_a_child_without_memory_is_killed_and_nobody_else(stack_of):
    stack = stack_of()
    main = stack.process("worker")

    # More than once: who else dies depends on who needs the next page.
    for _ in range(3):
        job = stack.agent.probe("sleep", seconds=30, ticks=200, queue="plain")
        child = wait_until(
            lambda job=job: stack.pid_of_child(job), within_s=30, what="it runs"
        )

        victim = Faults(stack, stack.history).oom_child(job)

        assert victim.id == child
        assert end_of(stack, job)["how"] == "lost"
    proofs = [o["proof"] for o in stack.history.of(source="fault", kind="injected")]
    assert len(proofs) == 3
    assert main is stack.process("worker")
    assert main.exit_code() is None
    wait_until(
        lambda: not any("oom_score_adj" in line for line in running_in(main)),
        within_s=10,
        what="our own process has left the container",
    )
    # The limit is lifted: as much as was refused is given.
    large = stack.agent.probe("hold_memory", mib=256, seconds=0, queue="plain")
    assert end_of(stack, large)["how"] == "success"


def test_a_process_of_ours_that_does_not_start_is_an_error(stack_of):
    stack = stack_of()
    worker = stack.process("worker")
    _, docker_socket = reach()

    with (
        pytest.raises(EngineError, match=r"/no/python should have been ready"),
        neighbour(worker.container, docker_socket, "/no/python", [worker.id]),
    ):
        raise AssertionError("not reached")


def test_an_image_that_is_nowhere_is_an_error_with_a_remedy(tmp_path):
    target = Target("a:b", container=Container(image="queueproof-nobody-has:this"))
    engine = open_engine("container", target)
    command = Command("part", ("x",), dict(os.environ), tmp_path, tmp_path / "log")
    try:
        with pytest.raises(EngineError, match=r"no image queueproof-nobody-has.*make"):
            engine.start(command)
    finally:
        engine.close()
