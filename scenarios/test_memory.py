"""Jobs and the device: what they hold, when they give it back, and who waits."""

import pytest

from harness import situations

#: MiB that each job holds: eight times what the worker may keep.
MIB = 512


@pytest.mark.contract("memory.given-back-after-a-job", "memory.given-back-after-a-kill")
def test_ten_jobs_that_hold_much_memory_give_it_back_however_they_end(
    agent, target, faults, probes, history
):
    memory = situations.memory
    again = (memory.SUCCESS, memory.CANCEL, memory.FAILURE, memory.SIGKILL)
    memory.alternating(
        *(agent, target, faults, probes, history),
        mib=MIB,
        endings=(*memory.ENDINGS, *again),
    )


@pytest.mark.contract("memory.device-is-untouched-before-the-job")
def test_the_first_job_after_a_start_works_and_so_does_the_first_of_a_fresh_process(
    stack, driver, probes, history
):
    stack.restart("worker")
    probes.memory("worker")
    for seed in (1, 2):
        history.settle(driver.submit("compare", seed=seed), within_s=20)
