"""Single processes: who they are, what they do, and what is done to them."""

import dataclasses
import signal

from harness.engines import ProcessId
from harness.wait import wait_until

FORKS_AND_WAITS = (
    "import os, signal\nif os.fork():\n"
    "    print('up', flush=True)\n    signal.pause()\nelse:\n    signal.pause()"
)


def await_state(engine, id, state):
    wait_until(
        lambda: engine.state(id) == state, within_s=15, what=f"{id} is in {state}"
    )


def test_it_is_told_by_pid_start_and_namespace(engine, start):
    process = start()

    assert engine.identify(process.id.pid, process.id.pid_namespace) == process.id
    assert process.id.pid_namespace
    assert engine.tree(process)[0].id == process.id


def test_the_process_sees_its_pid_as_we_do(engine, start):
    process = start(
        "import os, signal\n"
        "print(os.getpid(), os.readlink('/proc/self/ns/pid'), flush=True)\n"
        "signal.pause()"
    )
    wait_until(process.command.log.read_text, within_s=15, what="it has said who it is")

    pid, namespace = process.command.log.read_text().split()

    assert (int(pid), namespace) == (process.id.pid, process.id.pid_namespace)


def test_a_process_without_a_namespace_is_found_by_pid_and_start(engine, start):
    """As a journal tells of it that the application wrote."""
    process = start()
    unnamed = ProcessId(process.id.pid, process.id.start_time)

    assert engine.state(unnamed) not in (None, "T", "Z", "X")


def test_a_recycled_pid_is_never_a_victim(engine, start):
    process = start()
    for born in (process.id.start_time - 1, process.id.start_time + 1):
        other = dataclasses.replace(process.id, start_time=born)

        assert not engine.signal(other, signal.SIGKILL)
        assert not engine.pause(other)
        assert engine.state(other) is None
        assert engine.memory(other) is None
        assert engine.connections(other) == set()
    assert process.exit_code() is None


def test_a_pid_of_another_namespace_is_never_a_victim(engine, start):
    process = start()
    other = dataclasses.replace(process.id, pid_namespace="pid:[1]")

    assert not engine.signal(other, signal.SIGKILL)
    assert engine.state(other) is None
    assert engine.identify(other.pid, other.pid_namespace) is None
    assert process.exit_code() is None


def test_two_of_a_role_are_two(engine, start):
    first, second = start(role="worker"), start(role="worker")

    assert first.id != second.id
    assert {info.id for info in engine.tree(first)} == {first.id}
    engine.signal(first.id, signal.SIGKILL)
    wait_until(lambda: first.exit_code() is not None, within_s=15, what="one ends")

    assert engine.state(second.id) not in (None, "T", "Z", "X")
    assert second.exit_code() is None


def test_a_paused_process_is_stopped_and_goes_on_when_resumed(engine, start):
    process = start()

    assert engine.pause(process.id)
    await_state(engine, process.id, "T")
    assert engine.resume(process.id)
    await_state(engine, process.id, "S")


def test_a_paused_child_leaves_its_parent_alone(engine, start):
    process = start(FORKS_AND_WAITS)
    wait_until(lambda: len(engine.tree(process)) == 2, within_s=15, what="it has one")
    main, child = (info.id for info in engine.tree(process))

    engine.pause(child)
    await_state(engine, child, "T")

    await_state(engine, main, "S")


def test_a_paused_process_hears_nothing_until_it_is_resumed(engine, start):
    process = start()
    engine.pause(process.id)
    await_state(engine, process.id, "T")

    engine.signal(process.id, signal.SIGTERM)
    assert engine.state(process.id) == "T"
    engine.resume(process.id)

    wait_until(lambda: process.exit_code() is not None, within_s=15, what="it hears")
    assert process.exit_code() == -signal.SIGTERM


def test_a_paused_process_can_be_stopped_and_killed(engine, start):
    asked, killed = start(), start()
    for process in (asked, killed):
        engine.pause(process.id)
        await_state(engine, process.id, "T")

    assert engine.stop(asked, within_s=15).exit_code == -signal.SIGTERM
    engine.signal(killed.id, signal.SIGKILL)
    wait_until(lambda: killed.exit_code() == -9, within_s=15, what="it is killed")


def test_a_killed_child_is_gone_and_its_parent_is_not(engine, start):
    process = start(FORKS_AND_WAITS)
    wait_until(lambda: len(engine.tree(process)) == 2, within_s=15, what="it has one")
    child = engine.tree(process)[1].id

    assert engine.signal(child, signal.SIGKILL)
    await_state(engine, child, "Z")

    assert not engine.signal(child, signal.SIGKILL)
    assert process.exit_code() is None


def test_the_tree_shows_parents_children_and_zombies(engine, start):
    process = start(
        "import os, signal\n"
        "if os.fork() == 0: os._exit(0)\n"
        "print('up', flush=True)\n"
        "signal.pause()"
    )

    def states():
        return [info.state for info in engine.tree(process)]

    wait_until(lambda: states() == ["S", "Z"], within_s=15, what="a zombie shows")
    main, zombie = engine.tree(process)
    assert zombie.parent == main.id.pid
    assert "python" in main.name


def test_memory_is_told_in_mib(engine, start):
    process = start(
        "import signal\nheld = b'x' * 50 * 2**20\nprint(1, flush=True)\nsignal.pause()"
    )
    wait_until(process.command.log.read_text, within_s=15, what="it is up")

    assert 50 < engine.memory(process.id) < 80


def test_a_signal_that_is_ignored_is_known(engine, start):
    process = start(
        "import signal\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('up', flush=True)\n"
        "signal.pause()"
    )
    wait_until(process.command.log.read_text, within_s=15, what="it is up")

    assert engine.ignores(process.id, signal.SIGTERM)
    # Not SIGQUIT: a run in the background of a shell inherits that it is ignored.
    assert not engine.ignores(process.id, signal.SIGUSR2)


def test_a_gone_process_is_gone_for_every_question(engine, start):
    process = start()
    engine.signal(process.id, signal.SIGKILL)
    wait_until(lambda: process.exit_code() is not None, within_s=15, what="it ends")

    assert engine.identify(process.id.pid, process.id.pid_namespace) is None
    assert engine.tree(process) == []
    assert engine.memory(process.id) is None
    assert not engine.signal(process.id, signal.SIGTERM)
    assert not engine.ignores(process.id, signal.SIGTERM)


def test_a_state_is_told_in_a_few_milliseconds(engine, start):
    """It is asked for every 20 ms for every job that runs."""
    import time

    process = start()
    engine.state(process.id)
    took = []
    for _ in range(50):
        begin = time.perf_counter()
        engine.state(process.id)
        took.append(time.perf_counter() - begin)

    assert sorted(took)[25] < 0.01
