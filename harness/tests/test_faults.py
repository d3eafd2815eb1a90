"""Every fault bites a real process, proves it, and heals."""

import signal

import pytest
import redis

from harness.probes.redis import why_down
from harness.wait import wait_until


@pytest.fixture
def running_job(plain_stack):
    """A job that runs on the probe worker for longer than a test."""
    worker = plain_stack.probe_worker()
    job = plain_stack.agent.probe("sleep", seconds=30, queue=worker.queue())
    wait_until(lambda: plain_stack.pid_of_child(job), within_s=15, what="it runs")
    yield job
    child = plain_stack.pid_of_child(job)
    if child is not None:
        plain_stack.engine.signal(child, signal.SIGKILL)


def told(history, kind="injected"):
    (seen,) = history.of(source="fault", kind=kind)
    return seen


def test_a_killed_child_is_gone(plain_stack, history, faults, running_job):
    child = plain_stack.pid_of_child(running_job)

    victim = faults.kill_child(running_job)

    assert (victim.pid, victim.pid_start) == (child.pid, child.start_time)
    assert plain_stack.engine.state(child) in (None, "Z")
    seen = told(history)
    assert seen.job == running_job
    assert seen["bit"] is True
    assert seen["victim"]["role"] == "child"
    assert f"pid {child.pid} is gone" in seen["proof"]


def test_a_fault_without_a_victim_does_not_bite(history, faults):
    assert faults.kill_child("no-such-job") is None

    seen = told(history)
    assert seen["bit"] is False
    assert seen["victim"] is None


def test_a_job_that_has_ended_is_no_victim(plain_stack, history, faults):
    job = plain_stack.agent.probe("sleep", queue=plain_stack.probe_worker().queue())
    wait_until(
        lambda: len(plain_stack.executions.lines("ledger", job)) == 3,
        within_s=15,
        what="it has ended",
    )

    with faults.pause_child(job) as victim:
        assert victim is None

    assert told(history)["bit"] is False


def test_a_paused_child_stands_still_and_goes_on(
    plain_stack, history, faults, running_job
):
    with faults.pause_child(running_job) as victim:
        assert plain_stack.engine.state(victim.id) == "T"

    assert plain_stack.engine.state(victim.id) != "T"
    assert told(history)["bit"] is True
    assert told(history, "healed")["resumed"] == [victim.pid]


def test_a_pause_heals_when_the_body_raises(plain_stack, history, faults):
    def body():
        with faults.pause("redis"):
            assert why_down(plain_stack.urls.broker)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        body()

    assert why_down(plain_stack.urls.broker) is None
    assert told(history, "healed")["fault"] == "pause"


def test_a_paused_part_is_frozen_with_all_its_processes(plain_stack, faults):
    with faults.pause("worker"):
        tree = plain_stack.engine.tree(plain_stack.process("worker"))

    # What an earlier test's task has forked is a zombie until its parent ends.
    living = [info for info in tree if info.state != "Z"]
    assert len(living) == 2
    assert {info.state for info in living} == {"T"}


def test_a_child_that_had_just_ended_is_no_reason_to_doubt_a_pause(plain_stack, faults):
    """Its parent is frozen and waits for nobody, so it shows as a zombie."""
    main = plain_stack.process("worker")
    child = plain_stack.engine.tree(main)[1].id
    plain_stack.engine.pause(main.id)
    plain_stack.engine.signal(child, signal.SIGKILL)
    wait_until(
        lambda: plain_stack.engine.state(child) == "Z", within_s=5, what="it has ended"
    )
    with faults.pause("worker") as victim:
        assert victim is not None
        assert plain_stack.engine.state(main.id) == "T"


def test_a_killed_main_is_gone_and_comes_back(plain_stack, history, faults):
    victim = faults.kill_main("worker")

    assert plain_stack.engine.state(victim.id) in (None, "Z")
    assert told(history)["bit"] is True
    history.until(None, "stack.restarted", within_s=10)
    wait_until(lambda: plain_stack.is_ready("worker"), within_s=20, what="it is back")


def test_a_terminated_worker_ends_by_itself(plain_stack, history, faults):
    victim = faults.terminate("worker")

    exited = history.until(None, "stack.exited", within_s=20)
    assert (exited["pid"], exited["code"]) == (victim.pid, 0)
    assert told(history)["bit"] is True
    wait_until(lambda: plain_stack.is_ready("worker"), within_s=20, what="it is back")


def test_a_worker_told_to_quit_ends_at_once(plain_stack, history, faults):
    victim = faults.quit("worker")

    exited = history.until(None, "stack.exited", within_s=20)
    assert (exited["pid"], exited["code"]) == (victim.pid, 0)
    assert (told(history)["fault"], told(history)["bit"]) == ("quit", True)
    wait_until(lambda: plain_stack.is_ready("worker"), within_s=20, what="it is back")


def test_a_stopped_redis_refuses_and_comes_back_with_its_data(
    plain_stack, history, faults
):
    import redis

    with redis.Redis.from_url(plain_stack.urls.events) as client:
        client.set("kept", "yes")
    with faults.redis_stop() as victim:
        assert victim.role == "redis"
        assert why_down(plain_stack.urls.broker)

    with redis.Redis.from_url(plain_stack.urls.events) as client:
        assert client.get("kept") == b"yes"
    assert told(history)["bit"] is True
    assert "PING" in told(history)["proof"]
    assert told(history, "healed")["fault"] == "redis_stop"


def test_paused_writes_wait_while_reads_are_answered(plain_stack, history, faults):
    url = plain_stack.urls.events
    with redis.Redis.from_url(url, socket_timeout=2, retry=None) as client:
        client.set("paused", "before")
        with faults.pause_writes():
            assert client.get("paused") == b"before"
            with pytest.raises(redis.TimeoutError):
                client.set("paused", "lost")  # this client hangs up
        client.set("after", "healed")

        assert client.get("paused") == b"before"
    assert told(history)["bit"] is True
    assert told(history, "healed")["fault"] == "pause_writes"


def test_a_restarted_redis_is_another_process(plain_stack, faults):
    before = plain_stack.process("redis").id

    victim = faults.redis_restart()

    assert victim.id.pid == before.pid
    assert plain_stack.process("redis").id != before


def test_redis_restarted_in_a_row_is_proven_each_time(plain_stack, history, faults):
    victims = faults.redis_restarts(times=2)

    assert len({victim.pid for victim in victims}) == 2
    seen = history.of(source="fault")
    assert [o.kind for o in seen] == ["injected", "healed"] * 2
    assert {o["fault"] for o in seen} == {"redis_restart"}
    assert all(o["bit"] for o in seen if o.kind == "injected")


def test_a_flushed_redis_has_forgotten_everything(plain_stack, history, faults):
    with redis.Redis.from_url(plain_stack.urls.events) as client:
        client.set("remembered", "yes")

        assert faults.redis_flush().role == "redis"

        assert not client.exists("remembered")
    assert told(history)["bit"] is True
    assert "the planted key is gone, so were" in told(history)["proof"]
    queue = plain_stack.probe_worker().queue()
    job = plain_stack.agent.probe("sleep", queue=queue)
    wait_until(
        lambda: plain_stack.executions.lines("ledger", job),
        within_s=15,
        what="the application works on an empty Redis",
    )


def test_a_missing_file_is_away_and_put_back(plain_stack, history, faults):
    file = plain_stack.layout.data / "inputs" / "one.csv"
    file.parent.mkdir()
    file.write_text("kept")

    with faults.missing("inputs/one.csv") as bit:
        assert (bit, file.exists()) == (True, False)

    assert file.read_text() == "kept"
    assert told(history)["bit"] is True
    assert told(history)["proof"] == "inputs/one.csv was there, and is away"
    assert told(history, "healed")["path"] == "inputs/one.csv"


def test_a_missing_file_that_was_made_anew_is_left(plain_stack, faults):
    file = plain_stack.layout.data / "anew.csv"
    file.write_text("old")

    with faults.missing("anew.csv"):
        file.write_text("new")

    assert file.read_text() == "new"
    assert [path.name for path in file.parent.glob("*anew*")] == ["anew.csv"]


def test_a_file_that_was_never_there_cannot_be_missed(plain_stack, history, faults):
    with faults.missing("nowhere.csv") as bit:
        assert bit is False

    assert told(history)["proof"] == "nowhere.csv was not there, and is away"


def test_the_noop_leaves_its_victim_alone(plain_stack, history, faults):
    victim = faults.noop("worker")

    assert plain_stack.engine.state(victim.id) not in (None, "T", "Z", "X")
    assert told(history)["bit"] is True
