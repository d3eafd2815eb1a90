"""Probes look at real processes and a real Redis."""

import signal

import redis

from harness.engines import ProcessId
from harness.wait import wait_until


def test_an_end_is_seen_when_it_comes(process_engine, sleeper, probes, history):
    process = sleeper()
    probes.watch_gone(process.id, role="child", job="some-job")

    process_engine.signal(process.id, signal.SIGKILL)
    seen = history.until("some-job", "probe.gone", within_s=5)

    assert seen["pid"] == process.id.pid
    assert seen["role"] == "child"


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
    wait_until(
        lambda: len(probes.tree("worker")) == 2, within_s=15, what="it has a child"
    )

    last = history.of(source="probe", kind="alive")[-1]
    assert last["role"] == "worker"
    assert last["state"] in "RS"


def test_memory_is_of_the_whole_part(probes, history):
    mib = probes.memory("worker")

    assert 20 < mib < 500
    (seen,) = history.of(source="probe", kind="memory")
    assert seen["pss_mib"] == round(mib, 1)


def test_waiting_messages_are_counted_at_every_priority(plain_stack, probes):
    with redis.Redis.from_url(plain_stack.urls.broker) as client:
        client.lpush("nobody", "a", "b")
        client.lpush("nobody\x06\x163", "c")

        assert probes.queue("nobody").length == 3
        client.delete("nobody", "nobody\x06\x163")

    assert probes.queue("nobody").length == 0


def test_redis_is_down_when_it_does_not_answer(plain_stack, probes, history):
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
