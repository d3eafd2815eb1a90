"""What makes a kept stack unfit for the next test, in a real one."""

from harness.leftovers import leftovers
from harness.wait import wait_until


def test_a_stack_at_rest_leaves_nothing_over(plain_stack):
    wait_until(lambda: not leftovers(plain_stack), within_s=60, what="it is at rest")


def test_what_still_runs_or_waits_is_left_over(plain_stack):
    worker = plain_stack.probe_worker()
    job = plain_stack.agent.probe("sleep", seconds=1, queue=worker.queue())
    plain_stack.agent.send("plain.add", (1, 2), queue="plain", countdown=1)
    wait_until(lambda: plain_stack.pid_of_child(job), within_s=10, what="it runs")

    reasons = leftovers(plain_stack)

    assert f"job {job} still runs" in reasons
    assert any("not acknowledged" in reason for reason in reasons)
    wait_until(lambda: not leftovers(plain_stack), within_s=60, what="it is at rest")


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
    wait_until(lambda: not leftovers(plain_stack), within_s=60, what="it is at rest")
