"""The synchronous routes: deprecated, working, and one day gone."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from reference_app import endings
from reference_app.jobs import State
from reference_app.tests.in_process import call
from reference_app.tests.test_api import request

RESULT = {"baseline": {"text": "once"}, "steered": []}


@pytest.fixture
def worker(jobs, until):
    """End the next job that is submitted, as told."""
    threads = []

    def end_with(state=State.COMPLETED, **values):
        def work():
            until(lambda: jobs.recent(), "a job is submitted")
            (job,) = jobs.recent()
            jobs.start(job.id)
            endings.finish(job.id, state, **values)

        threads.append(threading.Thread(target=work))
        threads[-1].start()

    yield end_with
    for thread in threads:
        thread.join()


def compare(kind="compare"):
    return call("POST", f"/steering/{kind}/sync", json=request())


@pytest.mark.usefixtures("queue")
def test_the_old_form_waits_for_the_result_and_names_its_successor(worker):
    worker(result=RESULT)
    answer = compare()
    assert (answer.status_code, answer.json()) == (200, RESULT)
    since = datetime.fromtimestamp(int(answer.headers["Deprecation"][1:]), UTC)
    assert since.date().isoformat() == "2026-11-22"
    assert "/api/v1/steering/compare>" in answer.headers["Link"]
    assert "Sunset" not in answer.headers


@pytest.mark.usefixtures("queue")
def test_a_job_that_takes_longer_is_answered_with_its_id_and_goes_on(jobs, configured):
    configured(STEERING_SYNC_WAIT=0.3)
    answer = compare()
    assert answer.status_code == 202
    assert answer.headers["Deprecation"]
    assert jobs.get(answer.json()["task_id"]).state is State.PENDING


@pytest.mark.usefixtures("queue")
@pytest.mark.parametrize(
    ("state", "reason", "code"),
    [
        (State.FAILED, "error", 502),
        (State.FAILED, "soft_time_limit", 504),
        (State.FAILED, "hard_time_limit", 504),
        (State.CANCELLED, None, 502),
    ],
)
def test_a_job_that_does_not_complete_says_why(worker, state, reason, code):
    worker(state, error="no" if reason else None, reason=reason)
    answer = compare()
    assert answer.status_code == code
    assert answer.json()["reason"] == reason
    assert answer.json()["detail"] == ("no" if reason else "The job was cancelled")


@pytest.mark.usefixtures("queue")
def test_the_old_form_has_the_same_gate_and_the_same_checks(configured):
    configured(STEERING_RATE_LIMIT=2)
    wrong = call("POST", "/steering/compare/sync", json=request(prompt=""))
    assert wrong.status_code == 422
    unknown = call("POST", "/steering/compare/sync", json=request(sae_id="nobody"))
    assert unknown.status_code == 404
    assert compare().status_code == 429


@pytest.mark.usefixtures("queue")
@pytest.mark.parametrize("kind", ["compare", "sweep"])
def test_from_its_last_day_on_it_is_gone(jobs, configured, kind):
    configured(STEERING_SYNC_SUNSET=datetime.now(UTC).date())
    answer = compare(kind)
    assert answer.status_code == 410
    assert f"/api/v1/steering/{kind}>" in answer.headers["Link"]
    assert answer.headers["Sunset"].endswith("00:00:00 GMT")
    assert jobs.recent() == []


@pytest.mark.usefixtures("queue")
def test_before_its_last_day_it_says_when_that_is(worker, configured):
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    configured(STEERING_SYNC_SUNSET=tomorrow)
    worker(result=RESULT)
    answer = compare()
    assert answer.status_code == 200
    assert answer.headers["Sunset"].startswith(tomorrow.strftime("%a, %d %b %Y"))


@pytest.mark.parametrize("kind", ["compare", "sweep"])
def test_the_description_says_that_it_is_deprecated(kind):
    described = call("GET", "/../../openapi.json").json()["paths"]
    assert described[f"/api/v1/steering/{kind}/sync"]["post"]["deprecated"] is True
    assert "deprecated" not in described[f"/api/v1/steering/{kind}"]["post"]
