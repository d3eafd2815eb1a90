"""What makes a kept stack unfit for the next test, in a real one."""

import pytest

from harness.history import History
from harness.leftovers import leftovers
from harness.stack import Stack
from harness.wait import wait_until


@pytest.fixture(scope="module")
def own_stack(process_engine, plain_target, tmp_path_factory):
    """A stack that no other test has hurt: what that leaves over is left over here."""
    stack = Stack(plain_target, process_engine, tmp_path_factory.mktemp("own"))
    yield stack.start()
    stack.stop()


@pytest.fixture
def plain_stack(own_stack):
    own_stack.attach(History())
    return own_stack


def rests(stack):
    wait_until(
        lambda: not leftovers(stack),
        within_s=60,
        what="it is at rest",
        on_timeout=lambda: "; ".join(leftovers(stack)),
    )


def test_a_stack_at_rest_leaves_nothing_over(plain_stack):
    rests(plain_stack)


def test_what_still_runs_or_waits_is_left_over(plain_stack):
    worker = plain_stack.probe_worker()

    def is_left_over(what):
        return any(what in reason for reason in leftovers(plain_stack))

    job = plain_stack.agent.probe("hold", queue=worker.queue())
    said = f"job {job} still runs"
    wait_until(lambda: is_left_over(said), within_s=15, what=said)
    plain_stack.agent.release(job)
    job = plain_stack.agent.probe("hold_late", queue=worker.queue())
    said = "not acknowledged"
    wait_until(lambda: is_left_over(said), within_s=15, what=said)
    plain_stack.agent.release(job)
    rests(plain_stack)


def test_a_message_in_a_queue_of_a_probe_worker_is_left_over(
    process_engine, plain_stack
):
    worker = plain_stack.probe_worker()
    frozen, queue = plain_stack.process(worker.role).id, worker.queue()
    process_engine.pause(frozen)
    try:
        for _ in range(2):  # one may be in the hands of the frozen worker
            plain_stack.agent.send("plain.add", (1, 2), queue=queue)
        assert any(f"messages wait in {queue}" in r for r in leftovers(plain_stack))
    finally:
        process_engine.resume(frozen)
    rests(plain_stack)
