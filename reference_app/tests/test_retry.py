"""A real worker and beat: faults that pass are tried again, a bug is not."""

import itertools
import json

import pytest

from reference_app import submission
from reference_app.jobs import State
from reference_app.settings import settings
from reference_app.tests import passing_faults
from reference_app.tests.test_topology import STUDIO


def starts(job_id):
    """Return when each attempt began, on the machine's clock."""
    lines = []
    for path in (settings().data_dir / "journal").glob("*.jsonl"):
        lines += [json.loads(line) for line in path.read_text().splitlines()]
    mine = [line for line in lines if line["job"] == job_id]
    return sorted(line["t_mono"] for line in mine if line["what"] == "start")


@pytest.mark.feature("S1-09")
@pytest.mark.usefixtures("sleepers")  # no connection of an earlier test is used
def test_a_fault_that_passes_is_tried_again_later_and_later_and_a_bug_once(
    configured, process, jobs, until
):
    """As declared for the application: three times; its pauses, 60 times shorter."""
    configured(RETRY_FIRST_PAUSE=1, RETRY_LONGEST_PAUSE=10, RECONCILE_INTERVAL=0.1)
    process("worker", *STUDIO[:2], "-I", "reference_app.tests.passing_faults")
    process("beat")  # sends an attempt when it is due

    def submit(failures, passes=True):
        request = {"failures": failures, "passes": passes}
        return submission.submit(passing_faults.task, request, (20.0, 30.0))

    twice, always, bug = submit(2), submit(9), submit(9, passes=False)
    seen = {job: set() for job in (twice, always, bug)}

    def look():
        for job in seen:
            seen[job].add(jobs.get(job).state)
        return all(jobs.get(job).ended for job in seen)

    until(look, "all three have ended", 60)
    assert (jobs.get(twice).state, jobs.get(twice).attempt) == (State.COMPLETED, 3)
    assert jobs.get(always).error == "ConnectionError: attempt 4"
    assert "attempt 1" in jobs.get(bug).error
    assert [len(starts(job)) for job in seen] == [3, 4, 1]
    # Between two attempts it was never shown as failed
    assert State.FAILED not in seen[twice]
    pauses = [b - a for a, b in itertools.pairwise(starts(always))]
    # half to all of 1, 2 and 4 seconds, and what a look and a message take
    assert all(pause >= least for pause, least in zip(pauses, (0.5, 1, 2), strict=True))
