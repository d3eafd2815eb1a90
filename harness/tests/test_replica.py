"""One process too many, and parts that come back."""

import httpx
import psutil
import pytest

from harness.errors import StackError
from harness.faults import replica, restart
from harness.probes.processes import is_gone
from harness.wait import wait_until


@pytest.fixture
def stack(whole_stack):
    return whole_stack


def told(history, kind="injected"):
    (seen,) = history.of(source="fault", kind=kind)
    return seen


def ticks(stack):
    """How often the scheduled task was executed so far."""
    lines = stack.executions.lines("ledger")
    return sum(o["what"] == "start" and o.get("task") == "plain.add" for o in lines)


def work_off(stack, seconds=0.0):
    """Let the only worker finish all that was sent before now, then sleep so long."""
    job = stack.agent.probe("sleep", seconds=seconds, queue="plain")
    wait_until(
        lambda: "end" in [o["what"] for o in stack.executions.lines("ledger", job)],
        within_s=20,
        what="the worker has come to the end of its queue",
    )


def test_a_second_worker_has_a_node_name_of_its_own(whole_stack, history, faults):
    first = whole_stack.process("worker").id
    with faults.replica("worker") as second:
        name = second.name
        nodes = wait_until(
            lambda: len(w := whole_stack.agent.workers(timeout_s=1)) == 2 and w,
            within_s=20,
            what="both answer",
        )
        assert sorted(node.partition("@")[0] for node in nodes) == ["celery", name]
        assert len(set(nodes.values())) == 2
        process = whole_stack.process(name).id

    assert is_gone(whole_stack.engine, process)
    assert whole_stack.process("worker").id == first
    assert told(history)["bit"] is True
    assert told(history)["victim"]["pid"] == process.pid
    assert told(history, "healed")["role"] == name


def test_a_replica_may_be_configured_differently(whole_stack):
    def colour(name):
        pid = whole_stack.process(name).id.pid
        return psutil.Process(pid).environ().get("COLOUR")

    with whole_stack.replica("beat", {"COLOUR": "red"}) as second:
        # For an instant after its exec a process shows no environment at all.
        wait_until(
            lambda: colour(second.name) == "red", within_s=10, what="it is configured"
        )
        assert colour("beat") is None


def test_a_second_beat_sends_while_the_first_is_frozen(whole_stack, history, faults):
    with faults.replica("beat") as second, faults.pause("beat") as frozen:
        assert whole_stack.process(second.name).id != frozen.id
        work_off(whole_stack)
        before = ticks(whole_stack)
        wait_until(lambda: ticks(whole_stack) > before, within_s=10, what="one ticks")

    assert all(o["bit"] for o in history.of(source="fault", kind="injected"))


def test_a_second_api_answers_at_its_own_address_and_goes_when_the_body_raises(
    whole_stack, history, faults
):
    def body():
        with faults.replica("api") as second:
            url = second.api
            assert url != whole_stack.urls.api
            assert httpx.get(f"{url}/health").is_success
            urls.append(url)
            raise ZeroDivisionError

    urls = []
    with pytest.raises(ZeroDivisionError):
        body()

    with pytest.raises(httpx.TransportError):
        httpx.get(f"{urls[0]}/health")
    assert told(history)["bit"] is True
    assert told(history, "healed")["fault"] == "replica"


def test_a_replica_that_is_not_at_work_has_not_bitten(
    whole_stack, history, faults, monkeypatch
):
    monkeypatch.setattr(replica, "AT_WORK_WITHIN_S", 0.1)
    monkeypatch.setitem(whole_stack.target.commands, "beat", "sleep 30")

    with faults.replica("beat") as second:
        assert second is None

    assert told(history)["bit"] is False
    assert "is not at work" in told(history)["proof"]


def test_no_name_is_given_twice_and_a_part_that_is_none_has_no_replica(whole_stack):
    with whole_stack.replica("beat") as first:
        pass
    with whole_stack.replica("beat") as second:
        assert second.name != first.name
    with pytest.raises(StackError, match="No 'clock' in this stack"):
        whole_stack.replica("clock").__enter__()


@pytest.mark.parametrize("graceful", [True, False])
def test_a_restarted_api_is_another_process(whole_stack, history, faults, graceful):
    before = whole_stack.process("api").id

    victim = faults.api_restart(graceful=graceful)

    assert (victim.pid, victim.pid_start) == (before.pid, before.start_time)
    assert whole_stack.process("api").id != before
    assert told(history)["bit"] is True
    # Refused, or reset if it was killed with the question in its hands.
    assert "is gone; no answer: " in told(history)["proof"]
    assert told(history, "healed")["pid"] == whole_stack.process("api").id.pid


def test_an_api_that_does_not_die_was_not_restarted(
    whole_stack, history, faults, monkeypatch
):
    monkeypatch.setattr(restart, "OUT_WITHIN_S", 0.2)
    monkeypatch.setattr(restart, "ANSWER_WITHIN_S", 10.0)
    monkeypatch.setattr(whole_stack.engine, "signal", lambda *_: True)

    assert faults.api_restart() is None

    assert told(history)["bit"] is False
    assert "lives; it answers" in told(history)["proof"]


def test_a_paused_beat_sends_nothing_and_goes_on(whole_stack, history, faults):
    with faults.pause("beat") as victim:
        assert whole_stack.engine.state(victim.id) == "T"
        work_off(whole_stack)
        before = ticks(whole_stack)
        work_off(whole_stack, seconds=1)
        work_off(whole_stack)
        assert ticks(whole_stack) == before

    wait_until(lambda: ticks(whole_stack) > before, within_s=10, what="it ticks again")
    assert told(history)["bit"] is True
    assert told(history, "healed")["fault"] == "pause"
