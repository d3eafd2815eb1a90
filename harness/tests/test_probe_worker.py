from itertools import islice

import pytest

from harness.errors import StackError
from harness.probe_worker import PROBE_QUEUES, ProbeWorker, deployed


def test_a_worker_of_ours_is_not_taken_for_one_that_is_deployed():
    ours = ProbeWorker.numbered(0).role
    answers = {f"{ours}@host": 1, "celery@host": 2, "probe-me@host": 3}
    assert deployed(answers) == {"celery@host": 2, "probe-me@host": 3}
    assert deployed({}) == {}


def test_each_test_has_a_queue_of_its_own_until_they_are_given_out():
    worker = ProbeWorker.numbered(3)
    given = list(islice(iter(worker.queue, None), PROBE_QUEUES))
    assert len(set(given)) == PROBE_QUEUES
    assert set(given) == set(worker.queues)
    with pytest.raises(StackError, match="probe-3 has given out all 64"):
        worker.queue()
