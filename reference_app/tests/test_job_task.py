import asyncio

import pytest

from reference_app import job_task
from reference_app.jobs import State
from reference_app.tests.loops import LOOPS


@pytest.mark.feature("S4-18")
def test_jobs_of_one_process_have_a_loop_each_and_the_application_around_them(jobs):
    LOOPS.clear()
    for name in ("a", "b"):
        jobs.create(name, "agent.run_agent", {"of": name})
        job_task.run(
            "reference_app.tests.loops:work",
            name,
            {"of": name},
            attempt=1,
            soft_limit_s=None,
        )
        job = jobs.get(name)
        assert (job.state, job.result) == (State.COMPLETED, {"job": name, "of": name})
    first, second = LOOPS
    assert first is not second
    assert first.is_closed()
    assert second.is_closed()
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()
