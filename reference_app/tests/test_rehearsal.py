import json

import pytest

from reference_app.jobs import State
from reference_app.patterns.cancel import Cancelled
from reference_app.rehearsal import work
from reference_app.tests.in_process import call


class Attempt:
    def __init__(self, wanted=True):
        self.reports, self.wanted = [], wanted

    def report(self, percent, message):
        self.reports.append((percent, message))

    def check_cancelled(self):
        if not self.wanted:
            raise Cancelled


REQUEST = {"seconds": 0.02, "computing": 0.5, "steps": 2, "payload": "äb"}


def test_it_takes_its_time_and_reports_each_step():
    attempt = Attempt()
    assert work.run(REQUEST, attempt) == {"seconds": 0.02, "payload_bytes": 3}
    assert attempt.reports == [(0, "Step 1 of 2"), (50, "Step 2 of 2")]


def test_it_stops_when_it_is_cancelled():
    attempt = Attempt(wanted=False)
    with pytest.raises(Cancelled):
        work.run(REQUEST, attempt)
    assert len(attempt.reports) == 1


def test_it_waits_in_the_light_queue_and_tells_its_moments(queue, jobs, configured):
    configured(REHEARSALS="true")
    answer = call("POST", "/rehearsals", json={"seconds": 0.1})
    assert answer.status_code == 202
    job_id = answer.json()["task_id"]
    assert answer.json()["websocket_channel"] == f"rehearsal/{job_id}"
    (message,) = queue.lrange("llmctl_studio", 0, -1)
    assert json.loads(message)["headers"]["task"] == "rehearsal.run"
    told = call("GET", f"/rehearsals/{job_id}").json()
    assert told["state"] == State.PENDING
    assert told["created_at"] == jobs.get(job_id).created_at
    assert told["started_at"] is None
    assert call("DELETE", f"/rehearsals/{job_id}").status_code == 200
    assert jobs.get(job_id).state is State.CANCELLED


def test_none_is_taken_unless_the_operator_allows_it(queue):
    answer = call("POST", "/rehearsals", json={"seconds": 0.1})
    assert answer.status_code == 403
    assert "REHEARSALS=true" in answer.json()["detail"]
    assert queue.llen("llmctl_studio") == 0


@pytest.mark.parametrize("seconds", [-1, 61, "soon"])
def test_what_is_no_length_is_refused(queue, configured, seconds):
    configured(REHEARSALS="true")
    answer = call("POST", "/rehearsals", json={"seconds": seconds})
    assert answer.status_code == 422
    assert "seconds" in answer.text


def test_nobody_knows_a_rehearsal_that_was_never_submitted(queue):
    assert call("GET", "/rehearsals/none").status_code == 404
    assert call("DELETE", "/rehearsals/none").status_code == 404
