"""A stack of the smallest application, for real."""

import dataclasses
import re
import signal
from types import SimpleNamespace

import httpx
import pytest

from harness.errors import MutantError, NotRedirected, StackError
from harness.launch import Urls
from harness.probe_worker import ProbeWorker
from harness.redirect import verify_overlay
from harness.stack import Stack
from harness.target import Api, Target
from harness.wait import wait_until


def observed(stack, source, kind):
    return [dict(o.data) for o in stack.history.of(source=source, kind=kind)]


def test_an_app_that_insists_on_its_own_broker_is_refused(
    process_engine, plain_target, tmp_path
):
    target = dataclasses.replace(plain_target, app="stubborn:app")
    stack = Stack(target, process_engine, tmp_path)

    with pytest.raises(NotRedirected) as caught:
        stack.start()

    assert "redis://production.invalid:6379/0 as broker_read" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert not (stack.layout.logs / "worker.log").exists()


def test_a_part_that_dies_early_shows_its_log(process_engine, plain_target, tmp_path):
    target = dataclasses.replace(
        plain_target, commands={"worker": "{python} -c 'raise SystemExit(\"sorry\")'"}
    )

    with pytest.raises(StackError, match=r"(?s)worker ended with code 1.*sorry"):
        Stack(target, process_engine, tmp_path).start()


def test_a_mutant_changes_environment_and_command(
    process_engine, plain_target, tmp_path
):
    mutant = SimpleNamespace(
        name="m", env={"MARK": "me"}, command={"worker": ["--pool=solo"]}, overlay=()
    )

    stack = Stack(plain_target, process_engine, tmp_path, mutant).start()
    try:
        command = stack.process("worker").command
        assert command.argv[-1] == "--pool=solo"
        assert command.env["MARK"] == "me"
        assert len(process_engine.tree(stack.process("worker"))) == 1
    finally:
        stack.stop()


def test_a_changed_copy_shadows_the_installed_package(plain_stack, tmp_path):
    """The copy lies in the working directory, which comes first on the path."""
    copy = plain_stack.layout.work / "shadowed_for_a_test.py"
    copy.write_text("")
    try:
        verify_overlay(plain_stack.agent, "m", plain_stack.layout.work)
        (tmp_path / "wave.py").write_text("")
        with pytest.raises(MutantError, match=r"Mutant m: .* imports wave from"):
            verify_overlay(plain_stack.agent, "m", tmp_path)
    finally:
        copy.unlink()


def test_a_dead_worker_is_started_again_and_told(process_engine, plain_stack):
    before = plain_stack.process("worker").id

    process_engine.signal(before, signal.SIGKILL)
    plain_stack.history.until(None, "stack.restarted", within_s=10)

    after = plain_stack.process("worker").id
    assert after != before
    (told,) = observed(plain_stack, "stack", "exited")
    assert (told["role"], told["code"]) == ("worker", -signal.SIGKILL)
    assert (told["pid"], told["pid_start"]) == (before.pid, before.start_time)
    wait_until(
        lambda: after in plain_stack.executions.ready_workers(),
        within_s=20,
        what="the new worker is ready",
    )


def test_the_next_test_is_told_who_is_running(plain_stack):
    roles = {entry["role"] for entry in observed(plain_stack, "stack", "started")}

    assert {"redis", "agent", "worker"} <= roles


def test_a_probe_worker_is_shared_and_its_queues_are_not(plain_stack):
    first, second = plain_stack.probe_worker(), plain_stack.probe_worker()

    assert first is second
    assert first.queue() != second.queue()


def test_queues_run_out_with_an_error():
    worker = ProbeWorker("probe-0", queues=("only",))

    assert worker.queue() == "only"
    with pytest.raises(StackError, match="all 1 private queues"):
        worker.queue()


def test_before_the_start_there_is_nothing(process_engine, tmp_path):
    stack = Stack(Target("a:b"), process_engine, tmp_path)

    with pytest.raises(StackError, match="not started yet"):
        _ = stack.urls
    with pytest.raises(StackError, match="No 'worker' in this stack"):
        stack.process("worker")


def test_three_databases_of_one_server():
    urls = Urls.on_ports(1, 2)

    assert urls.broker == "redis://127.0.0.1:1/0"
    assert len({urls.broker, urls.results, urls.events}) == 3


def test_a_replica_is_a_second_worker_under_another_name(plain_stack):
    agent = plain_stack.agent
    with plain_stack.replica("worker") as replica:
        assert replica.role == "worker"
        assert re.fullmatch(r"worker-\d+", replica.name)
        pid = plain_stack.process(replica.name).id.pid
        both = {pid, plain_stack.process("worker").id.pid}
        # It listens to such questions an instant after it is ready.
        workers = wait_until(
            lambda: both <= set((w := agent.workers()).values()) and w,
            within_s=20,
            what="both answer",
        )
        name = next(name for name, its in workers.items() if its == pid)
        assert name.startswith(f"{replica.name}@")

    with pytest.raises(StackError, match=f"No '{replica.name}'"):
        plain_stack.process(replica.name)
    left = {"role": replica.name, "code": 0}
    assert observed(plain_stack, "stack", "left") == [left]
    assert pid not in agent.workers().values()


def test_a_dead_replica_is_started_again_like_any_part(process_engine, plain_stack):
    with plain_stack.replica("worker") as replica:
        process_engine.signal(plain_stack.process(replica.name).id, signal.SIGKILL)
        restarted = plain_stack.history.until(None, "stack.restarted", within_s=10)
        assert restarted["role"] == replica.name


def test_a_replica_of_an_api_has_a_port_of_its_own(
    process_engine, plain_target, tmp_path
):
    api = "{python} -S -m http.server --bind 127.0.0.1 {port}"
    target = dataclasses.replace(
        plain_target, commands={"api": api}, api=Api(health="GET /")
    )
    stack = Stack(target, process_engine, tmp_path).start()
    try:
        with stack.replica("api") as replica:
            assert replica.api != stack.urls.api
            for url in (stack.urls.api, replica.api):
                assert httpx.get(url).status_code == 200
    finally:
        stack.stop()
