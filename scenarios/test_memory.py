"""Jobs and the device: what they hold, when they give it back, and who waits."""

import contextlib
from dataclasses import replace

import pytest

from harness import Driver, situations
from scenarios import kinds

#: MiB that each job holds: eight times what the worker may keep.
MIB = 512


@pytest.mark.contract("memory.given-back-after-a-job", "memory.given-back-after-a-kill")
@kinds.queue
def test_ten_jobs_that_hold_much_memory_give_it_back_however_they_end(
    agent, target, faults, probes, history, queue
):
    target = replace(target, queues=(queue,))
    memory = situations.memory
    again = (memory.SUCCESS, memory.CANCEL, memory.FAILURE, memory.SIGKILL)
    memory.alternating(
        *(agent, target, faults, probes, history),
        mib=MIB,
        endings=(*memory.ENDINGS, *again),
    )


@pytest.mark.contract("memory.device-is-untouched-before-the-job")
@kinds.short
def test_the_first_job_after_a_start_works_and_so_does_the_first_of_a_fresh_process(
    stack, driver, probes, history, short
):
    stack.restart("worker")
    probes.memory("worker")
    for _ in range(2):
        history.settle(driver.submit(short), within_s=20)


@pytest.mark.contract("memory.device-is-not-overbooked")
def test_jobs_of_the_worker_and_of_the_old_path_take_turns_on_the_device(
    stack, target, driver, faults, history
):
    """Of two that began one waits; when the one at it is killed, it is its turn."""
    # The old path's clock runs from before its process has imported what it needs.
    with (
        stack.replica("api", {**target.flag["off"], **kinds.PATIENT}) as api,
        contextlib.closing(Driver(target, api.api, history)) as before,
    ):
        first = before.submit("compare", num_samples=128)
        history.until(first, "journal.mark", within_s=120)
        second = driver.submit("compare")
        history.settle(first, within_s=60)
        history.settle(second, within_s=20)
        dies = before.submit("long_compare")
        history.until(dies, "journal.mark", within_s=60)
        waits = driver.submit("compare")
        history.until(waits, "journal.start", within_s=20)
        faults.kill_child(dies)
        before.cancel(dies)  # else it is tried again
        history.settle(waits, within_s=20)
        before.wait_for_state(dies, within_s=20)
