"""Jobs that hold much memory, one after the other, each with another ending."""

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
