"""A held message looks old, for real: a worker that starts puts it back, or not."""

import re
import time

import pytest
import redis

from harness.wait import wait_until


@pytest.fixture
def held(plain_stack, probes):
    """A late-ack task that a worker executes until the test is over."""
    agent = plain_stack.agent
    queue = plain_stack.probe_worker().queue()
    job = agent.probe("hold_late", queue=queue)
    wait_until(lambda: probes.held(job), within_s=15, what="it is held")
    yield job
    agent.release(job)
    wait_until(lambda: not probes.held(job), within_s=60, what="it is held no more")


def told(history, name):
    source, _, kind = name.partition(".")
    return history.of(source=source, kind=kind)


def age_s(probes, history, job):
    assert probes.held(job)
    return told(history, "probe.held")[-1]["age_s"]


@pytest.fixture
def unswept(plain_stack):
    """No worker looks for old messages meanwhile, as each does every 100 s."""
    with (
        redis.Redis.from_url(plain_stack.urls.broker) as broker,
        broker.lock("unacked_mutex", timeout=60),
    ):
        yield


def test_a_message_is_as_old_as_asked_for_and_young_again_after(
    history, faults, probes, held, unswept
):
    assert age_s(probes, history, held) < 15

    with faults.aged(held, to_s=100.0, reason="why not") as bit:
        assert bit
        ages, begin = [], time.monotonic()

        def is_kept():
            ages.append(age_s(probes, history, held))
            return time.monotonic() - begin > 1 and ages[-1] < 100.5

        # A message that is not kept would be 101 s old by then, and never younger.
        wait_until(is_kept, within_s=15, every_s=0.1, what="it is as old as before")
        assert min(ages) >= 100.0

    assert age_s(probes, history, held) < 30
    (seen,) = told(history, "fault.injected")
    assert (seen.job, seen["bit"], seen["to_s"]) == (held, True, 100.0)
    assert seen["why"] == "why not"
    before_s, after_s = map(float, re.findall(r"[\d.]+", seen["proof"]))
    assert before_s < 15
    assert 100 <= after_s < 115
    assert not told(history, "probe.swept")


def test_a_starting_worker_looks_for_old_messages_and_leaves_a_younger_one(
    plain_stack, history, faults, probes, held
):
    with faults.aged(held, to_s=3500.0), plain_stack.replica("worker"):
        swept = history.until(held, "probe.swept", within_s=15)
        assert swept.job == held
        assert probes.held(held)

    assert age_s(probes, history, held) < 60
    assert len(plain_stack.executions.lines("ledger", held)) == 1


def test_a_message_in_no_workers_hands_does_not_age(plain_stack, history, faults):
    job = plain_stack.agent.send("plain.add", (1, 2), queue="nobodys-at-all")

    with faults.aged(job, to_s=10.0) as bit:
        assert not bit

    (seen,) = told(history, "fault.injected")
    assert seen["bit"] is False
    assert seen["proof"] == "held for no time, then for no time"


def test_a_message_that_is_older_already_is_left_alone(history, faults, probes, held):
    wait_until(lambda: age_s(probes, history, held) > 0.2, within_s=5, what="older")
    with faults.aged(held, to_s=0.1) as bit:
        assert not bit
        assert age_s(probes, history, held) > 0.2
