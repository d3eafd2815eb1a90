"""Probes look at real processes and a real Redis."""

import contextlib
import dataclasses
import itertools
import signal
import socket
import sqlite3
import threading
import time

import pytest
import redis

from harness.engines import ProcessId
from harness.probes import Probes, health, memory
from harness.probes import redis as probes_redis
from harness.probes.processes import is_gone
from harness.target import Record
from harness.wait import wait_until


def test_an_end_is_seen_when_it_comes(process_engine, sleeper, probes, history):
    process = sleeper()
    probes.watch_gone(process.id, role="child", job="some-job")

    process_engine.signal(process.id, signal.SIGKILL)
    seen = history.until("some-job", "probe.gone", within_s=5)

    assert seen["pid"] == process.id.pid
    assert seen["role"] == "child"


def test_the_record_of_a_job_is_read_behind_the_applications_back(
    plain_stack, history, monkeypatch
):
    file = plain_stack.layout.data / "shop.db"
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE jobs (id TEXT, state TEXT)")
        rows = [("a", "done"), ("b", "failed"), ("c", "odd")]
        connection.executemany("INSERT INTO jobs VALUES (?, ?)", rows)
    record = Record("shop.db", "SELECT state FROM jobs WHERE id = ?")
    words = {"done": "completed"}
    target = dataclasses.replace(plain_stack.target, record=record, states=words)
    monkeypatch.setattr(plain_stack, "target", target)
    looking = Probes(plain_stack, history)

    found = [looking.row(job) for job in ("a", "b", "c", "nobody")]

    assert found == ["completed", "failed", None, None]
    assert [o["word"] for o in history.of(source="probe", kind="row")] == [
        *("done", "failed", "odd", None)
    ]
    looking.close()


def test_a_record_that_nobody_describes_is_not_looked_for(plain_stack, probes, history):
    assert plain_stack.target.record is None
    assert probes.row("a") is None
    assert not history.of(source="probe", kind="row")


def test_a_zombie_is_gone(process_engine, sleeper, probes, history):
    process = sleeper("pass")  # nobody asked for its exit code yet
    probes.watch_gone(process.id)

    history.until(None, "probe.gone", within_s=10)


def test_a_recycled_pid_counts_as_gone(sleeper, probes, history):
    process = sleeper()

    probes.watch_gone(ProcessId(process.id.pid, process.id.start_time - 1))

    history.until(None, "probe.gone", within_s=5)


def test_what_lives_is_not_gone(sleeper, probes, history):
    living, dying = sleeper(), sleeper("pass")
    probes.watch_gone(living.id)
    probes.watch_gone(dying.id)

    history.until(None, "probe.gone", within_s=10)

    (gone,) = history.of(source="probe", kind="gone")
    assert gone["pid"] == dying.id.pid


def test_the_tree_of_a_worker_is_its_main_and_its_child(plain_stack, probes, history):
    def living():
        # What an earlier test's task has forked is a zombie until its parent ends.
        return [each.name for each in probes.tree("worker") if each.state != "Z"]

    wait_until(
        lambda: len(living()) == 2,
        within_s=15,
        what="it has a child",
        on_timeout=lambda: ", ".join(living()),
    )

    last = history.of(source="probe", kind="alive")[-1]
    assert last["role"] == "worker"
    assert last["state"] not in "TZX"


def marks(stack, job):
    lines = stack.executions.lines("ledger", job)
    return [line["name"] for line in lines if line["what"] == "mark"]


def test_what_a_task_starts_is_found_below_it_and_by_its_marks_and_watched(
    plain_stack, probes, history
):
    job = plain_stack.agent.probe("start_processes", queue="plain", seconds=30)

    def seen_now():
        # The shell's own two are called "sh", too, until they are what they become.
        begin_t = history.now()
        if len(probes.watch_started(job)) < 5:
            return []
        seen = history.of(source="probe", kind="alive", job=job)
        seen = [o for o in seen if o.t >= begin_t]
        return seen if {"sh", "sleep", "cat"} <= {o["name"] for o in seen} else []

    wait_until(
        lambda: "started" in marks(plain_stack, job), within_s=20, what="all are there"
    )
    seen = wait_until(
        seen_now, within_s=20, what="a shell with a pipeline, a fork and a daemon run"
    )
    assert {o["role"] for o in seen} == {"started"}

    started = {o["pid"]: o for o in seen}
    for o in started.values():
        process = ProcessId(o["pid"], o["pid_start"], o["pid_ns"])
        plain_stack.engine.signal(process, signal.SIGKILL)

    for pid in started:
        history.until(job, "probe.gone", where=lambda o, p=pid: o["pid"] == p)
    plain_stack.agent.release(job)


def test_memory_is_of_the_whole_part_process_by_process(plain_stack, probes, history):
    mib = probes.memory("worker")

    (seen,) = history.of(source="probe", kind="memory")
    assert (seen["by"], seen["mib"]) == ("pss", round(mib, 1))
    main, child = seen["processes"]
    assert main["pid"] == child["parent"] == plain_stack.process("worker").id.pid
    assert 10 < child["mib"] < mib < 500
    assert mib == pytest.approx(main["mib"] + child["mib"], abs=0.2)


def test_an_orphan_still_counts(process_engine, sleeper):
    code = (
        "import signal, subprocess, sys\n"
        "held = ['-S', '-c', 'held = bytes(8) * 6 * 2**20; input()']\n"
        "subprocess.Popen([sys.executable, *held], stdin=subprocess.PIPE)\n"
    )
    parent = sleeper(code + "signal.pause()")
    members = memory.Members(process_engine, memory.Pss(process_engine))
    orphan = wait_until(
        lambda: [s for s in members.look(parent).shares if s.mib > 40],
        within_s=10,
        what="the child holds its memory",
    )[0]
    assert orphan.parent == parent.id.pid

    process_engine.pause(orphan.process)  # else it would notice
    process_engine.signal(parent.id, signal.SIGKILL)
    wait_until(
        lambda: is_gone(process_engine, parent.id), within_s=5, what="it is gone"
    )

    seen = members.look(parent)
    assert ([s.process for s in seen.shares], seen.steady) == ([orphan.process], True)
    process_engine.signal(orphan.process, signal.SIGKILL)
    wait_until(lambda: not members.look(parent).shares, within_s=5, what="all gone")


class Slow:
    """A probe that takes so long that something happens at each look."""

    name = "slow"

    def __init__(self, happens, *, times):
        self._happens, self._left = happens, times

    def of(self, process):
        if self._left and process == self._happens.parent.id:
            self._left -= 1
            self._happens()
        return 1.0


class Births:
    """A process that forks whenever it is called."""

    def __init__(self, engine, sleeper):
        self._engine = engine
        self.parent = sleeper(
            "import os, signal\n"
            "signal.signal(signal.SIGUSR1, lambda *_: os.fork() or signal.pause())\n"
            "os.write(1, b'ready')\n"
            "while True: signal.pause()"
        )
        wait_until(
            lambda: "ready" in engine.logs(self.parent), within_s=5, what="it waits"
        )

    def __call__(self):
        had = len(self._engine.tree(self.parent))
        self._engine.signal(self.parent.id, signal.SIGUSR1)
        wait_until(
            lambda: len(self._engine.tree(self.parent)) > had,
            within_s=5,
            what="one more has begun",
        )


@pytest.mark.parametrize(("times", "steady"), [(1, True), (memory.TRIES, False)])
def test_a_look_while_processes_come_is_not_steady(
    process_engine, sleeper, times, steady
):
    births = Births(process_engine, sleeper)
    members = memory.Members(process_engine, Slow(births, times=times))

    seen = members.look(births.parent)

    assert seen.steady is steady
    # Made anew once, the look has the process that was born during the first.
    assert seen.mib == (2.0 if steady else memory.TRIES)


def test_waiting_messages_are_counted_at_every_priority(plain_stack, probes):
    with redis.Redis.from_url(plain_stack.urls.broker) as client:
        client.lpush("nobody", "a", "b")
        client.lpush("nobody\x06\x163", "c")

        assert probes.queue("nobody").length == 3
        client.delete("nobody", "nobody\x06\x163")

    assert probes.queue("nobody").length == 0


def test_redis_is_down_when_it_does_not_answer(
    plain_stack, probes, history, monkeypatch
):
    monkeypatch.setattr(probes_redis, "ANSWER_WITHIN_S", 2.0)
    assert probes.redis_down() is False
    plain_stack.engine.pause(plain_stack.process("redis").id)
    try:
        assert probes.redis_down() is True
    finally:
        plain_stack.engine.resume(plain_stack.process("redis").id)

    assert [o["down"] for o in history.of(source="probe", kind="redis")] == [
        False,
        True,
    ]


def test_a_late_answer_makes_those_due_meanwhile_late(history):
    """Of a server that answers all at once when it has slept."""
    asleep = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            connection, _ = server.accept()
            with connection:
                for number in itertools.count():
                    if not connection.recv(4096):
                        return
                    if number == 5:
                        asleep.set()
                        threading.Event().wait(0.5)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        begin = time.monotonic()
        with health.watched(history, "api-2", url, "GET /health"):
            assert asleep.wait(10)
            threading.Event().wait(0.3)
        took_s = time.monotonic() - begin

    seen = history.of(source="probe", kind="health")
    assert {(o["api"], o["code"]) for o in seen} == {("api-2", 200)}
    # Also those that were due until the end, and could not be asked before.
    late = [o for o in seen if o["late_s"] >= 0.1]
    assert 10 <= len(late) <= took_s / health.EVERY_S + 1
    assert 0.5 <= max(o["late_s"] for o in seen) < took_s


def test_who_does_not_answer_has_no_code(history):
    with health.watched(history, "api", "http://127.0.0.1:1", "GET /health"):
        history.until(None, "probe.health", within_s=5)

    assert history.of(source="probe", kind="health")[0]["code"] is None
