"""Memory, processor time and disk are taken away and given back."""

import contextlib
import functools
import os
import resource
import signal
from types import SimpleNamespace

import psutil
import pytest
import redis

from harness.engines import ProcessId, memory_group
from harness.engines.container_limits import ContainerLimits
from harness.engines.memory_group import MemoryGroup, group_of
from harness.errors import NotOnThisEngine
from harness.faults import cpu, disk, memory
from harness.probes.processes import is_gone
from harness.wait import wait_until


@pytest.fixture
def running(plain_stack):
    """Start a probe task on the probe worker; its process is killed after the test."""
    jobs = []

    def start(name, **kwargs):
        queue = plain_stack.probe_worker().queue()
        jobs.append(plain_stack.agent.probe(name, queue=queue, **kwargs))
        wait_until(
            lambda: plain_stack.pid_of_child(jobs[-1]), within_s=20, what="it runs"
        )
        return jobs[-1]

    yield start
    for job in jobs:
        child = plain_stack.pid_of_child(job)
        if child is not None:
            plain_stack.engine.signal(child, signal.SIGKILL)


def test_a_container_tells_what_it_uses_and_a_shared_group_does_not(process_engine):
    groups = {"pid:[1]": {"used_mib": 260.0, "oom_kills": 0, "cpu_s": 1.0}}
    limits = ContainerLimits(SimpleNamespace(group=groups.get), "", "python")
    assert limits.memory_used_mib(ProcessId(7, 1, "pid:[1]")) == 260.0
    assert limits.memory_used_mib(ProcessId(7, 1, "pid:[2]")) is None
    assert process_engine.limits.memory_used_mib(ProcessId(7, 1)) is None


def told(history, kind="injected"):
    (seen,) = history.of(source="fault", kind=kind)
    return seen


def or_says_why(test):
    """Where nobody may limit memory, the test must end with that error."""
    group = group_of("self")

    @functools.wraps(test)
    def run(*args, **kwargs):
        if group is not None and os.access(group, os.W_OK):
            test(*args, **kwargs)
            return
        with pytest.raises(NotOnThisEngine, match="Try --engine container"):
            test(*args, **kwargs)

    return run


def groups_of(engine):
    """Return those of this engine: another run beside us has its own there."""
    return list(group_of("self").glob(f"queueproof-{engine.run_token}-*"))


@or_says_why
def test_a_child_without_memory_is_killed_by_the_kernel(
    plain_stack, history, faults, running
):
    job = running("sleep", seconds=30, ticks=200)
    child = plain_stack.pid_of_child(job)

    victim = faults.oom_child(job)

    assert (victim.pid, victim.pid_start) == (child.pid, child.start_time)
    assert is_gone(plain_stack.engine, child)
    assert told(history)["bit"] is True
    assert "out-of-memory kills: 1" in told(history)["proof"]
    assert told(history).job == job
    assert told(history, "healed")["fault"] == "oom_child"
    assert not groups_of(plain_stack.engine)


@or_says_why
def test_a_child_that_needs_no_memory_is_not_killed(
    plain_stack, history, faults, running, monkeypatch
):
    monkeypatch.setattr(memory, "NEEDS_ONE_WITHIN_S", 0.2)
    job = running("sleep", seconds=30)
    child = plain_stack.pid_of_child(job)
    # Whatever runs may need a page: what is frozen needs none.
    plain_stack.engine.signal(child, signal.SIGSTOP)
    try:
        assert faults.oom_child(job) is None
    finally:
        plain_stack.engine.signal(child, signal.SIGCONT)

    assert plain_stack.pid_of_child(job) is not None
    assert told(history)["bit"] is False
    assert "needed no memory" in told(history)["proof"]
    assert not groups_of(plain_stack.engine)


def test_a_child_that_takes_the_main_process_along_is_another_fault(
    plain_stack, history, faults, running, monkeypatch
):
    job = running("sleep", seconds=30)
    worker = plain_stack.process(plain_stack.probe_worker().role)

    @contextlib.contextmanager
    def takes_both(process, victims, headroom_mib):
        for each in (worker.id, *victims):
            plain_stack.engine.signal(each, signal.SIGKILL)
        wait_until(
            lambda: is_gone(plain_stack.engine, worker.id), within_s=10, what="it died"
        )
        yield lambda: 2

    greedy = SimpleNamespace(memory=takes_both)
    monkeypatch.setattr(plain_stack.engine, "limits", greedy)

    assert faults.oom_child(job) is None

    assert told(history)["bit"] is False
    assert "so is the main process" in told(history)["proof"]
    history.until(None, "stack.restarted", within_s=10)
    wait_until(lambda: plain_stack.is_ready(worker.role), within_s=20, what="back")


def test_no_job_no_victim(history, faults):
    assert faults.oom_child("no-such-job") is None

    assert told(history)["bit"] is False


@or_says_why
def test_a_main_process_without_memory_is_killed_and_comes_back(
    plain_stack, history, faults
):
    for _ in range(50):  # what it is sent it must keep somewhere
        plain_stack.agent.send("plain.add", (1, 2), queue="plain")

    victim = faults.oom_main("worker")

    assert is_gone(plain_stack.engine, victim.id)
    assert told(history)["bit"] is True
    exited = history.until(None, "stack.exited", within_s=10)
    assert (exited["pid"], exited["code"]) == (victim.pid, -signal.SIGKILL)
    wait_until(lambda: plain_stack.is_ready("worker"), within_s=20, what="it is back")


@or_says_why
def test_within_a_limit_a_part_works_and_beyond_it_is_killed(
    plain_stack, history, faults
):
    worker = plain_stack.probe_worker()
    with faults.memory_limit(worker.role, headroom_mib=128):
        small = plain_stack.agent.probe("hold_memory", mib=8, queue=worker.queue())
        large = plain_stack.agent.probe("hold_memory", mib=512, queue=worker.queue())
        for job, how in ((small, "success"), (large, "lost")):
            wait_until(
                lambda job=job, how=how: (
                    how
                    in [
                        o.get("how")
                        for o in plain_stack.executions.lines("ledger", job)
                    ]
                ),
                within_s=20,
                what=f"{job} ends: {how}",
            )

    assert told(history)["bit"] is True
    assert "128.0" in told(history)["proof"]
    assert told(history, "healed")["oom_kills"] == 1
    assert not groups_of(plain_stack.engine)


@or_says_why
def test_a_limit_of_memory_is_lifted_when_the_body_raises(plain_stack, history, faults):
    limits = plain_stack.engine.limits
    id = plain_stack.process("worker").id

    def body():
        with faults.memory_limit("worker", headroom_mib=64):
            assert limits.memory_left_mib(id) == 64
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        body()

    assert limits.memory_left_mib(id) != 64
    assert told(history, "healed")["oom_kills"] == 0
    assert not groups_of(plain_stack.engine)


def test_without_the_right_to_limit_memory_it_says_why(tmp_path, monkeypatch):
    with pytest.raises(NotOnThisEngine, match=r"cgroups, version 1, at .*--engine"):
        MemoryGroup("queueproof-test", 0, tmp_path)

    monkeypatch.setattr(memory_group, "group_of", lambda *_: tmp_path)
    (tmp_path / "taken").touch()
    with pytest.raises(NotOnThisEngine, match=r"cannot be made: .*Run as root"):
        MemoryGroup("taken", 0)


def test_a_busy_part_gets_its_share_and_all_of_it_again(
    plain_stack, history, faults, running
):
    running("spin", seconds=30)
    role = plain_stack.probe_worker().role

    with faults.cpu_quota(role, share=0.1) as victim:
        assert victim.role == role

    assert told(history)["bit"] is True
    assert "under 0.10" in told(history)["proof"]
    assert told(history, "healed")["fault"] == "cpu_quota"
    states = {info.state for info in plain_stack.engine.tree(plain_stack.process(role))}
    assert "T" not in states


def test_a_part_that_idles_misses_nothing(plain_stack, history, faults, monkeypatch):
    monkeypatch.setattr(cpu, "MEASURE_S", 0.3)

    with faults.cpu_quota("worker", share=0.5) as victim:
        assert victim is None

    assert told(history)["bit"] is False


def test_all_processes_go_on_when_the_body_raises(plain_stack, faults, monkeypatch):
    monkeypatch.setattr(cpu, "MEASURE_S", 0.1)

    def body():
        with faults.cpu_quota("worker", share=0.1):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        body()

    tree = plain_stack.engine.tree(plain_stack.process("worker"))
    assert "T" not in {info.state for info in tree}


def test_on_a_full_disk_redis_reads_and_writes_nothing(plain_stack, history, faults):
    with redis.Redis.from_url(plain_stack.urls.events, socket_timeout=2) as client:
        client.set("kept", "yes")
        with faults.disk_full() as victim:
            assert victim.role == "redis"
            with pytest.raises(redis.ResponseError, match="MISCONF"):
                client.set("kept", "no")
            assert client.get("kept") == b"yes"

        assert client.set("kept", "again")
    assert told(history)["bit"] is True
    assert "a read is answered, a write not: MISCONF" in told(history)["proof"]
    assert told(history, "healed")["role"] == "redis"


def test_there_is_space_again_when_the_body_raises(plain_stack, faults):
    def body():
        with faults.disk_full():
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        body()

    with redis.Redis.from_url(plain_stack.urls.broker, socket_timeout=2) as client:
        assert client.set("queueproof:after", "1")
        assert not client.exists(disk.FILLER)
    redis_pid = plain_stack.process("redis").id.pid
    assert psutil.Process(redis_pid).rlimit(resource.RLIMIT_FSIZE)[0] == -1


def test_a_disk_that_still_has_space_is_not_full(
    plain_stack, history, faults, monkeypatch
):
    monkeypatch.setattr(disk, "REFUSED_WITHIN_S", 0.1)
    endless = SimpleNamespace(disk=lambda process: contextlib.nullcontext())
    monkeypatch.setattr(plain_stack.engine, "limits", endless)

    with faults.disk_full() as victim:
        assert victim is None

    assert told(history)["bit"] is False
    assert "a write is taken" in told(history)["proof"]


def test_who_would_die_of_the_limit_is_left_alone(process_engine, sleeper):
    process = sleeper(
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL); "
        "print('ready', flush=True); signal.pause()"
    )
    wait_until(process.command.log.read_text, within_s=10, what="it has started")

    with pytest.raises(NotOnThisEngine, match="sleeper would die"):
        process_engine.limits.disk(process).__enter__()
