"""Rate limit and circuit breaker in front of steering's submits."""

from reference_app import endings
from reference_app.jobs import State
from reference_app.settings import settings
from reference_app.tests.in_process import call
from reference_app.tests.test_api import request
from reference_app.tests.test_circuit_breaker import let_time_pass


def submit(**changes):
    return call("POST", "/steering/compare", json=request(**changes))


def test_the_sixth_submit_within_a_minute_is_refused_and_nothing_is_enqueued(
    queue, jobs
):
    assert [submit().status_code for _ in range(5)] == [202] * 5
    answer = submit()
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert queue.llen("steering") == len(jobs.recent()) == 5
    # and a sweep counts as well as a comparison
    assert call("POST", "/steering/sweep", json={}).status_code == 429
    assert call("GET", "/steering/saes").status_code == 200


def test_the_limits_are_settings(queue, configured):
    configured(STEERING_RATE_LIMIT=1, STEERING_RATE_WINDOW=30)
    assert submit().status_code == 202
    assert int(submit().headers["Retry-After"]) <= 30
    configured(STEERING_RATE_LIMIT=0)
    assert [submit().status_code for _ in range(7)] == [202] * 7


def test_three_failed_jobs_close_the_door_until_it_is_reset(queue, jobs):
    for number in range(3):
        jobs.create(f"{number}", "steering.compare", {})
        jobs.start(f"{number}")
        endings.finish(f"{number}", State.FAILED, error="no", reason="error")
    answer = submit()
    assert answer.status_code == 503
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert queue.llen("steering") == 0
    status = call("GET", "/steering/circuit-breaker").json()
    assert (status["state"], status["failures"], status["threshold"]) == ("open", 3, 3)
    reset = call("POST", "/steering/circuit-breaker/reset").json()
    assert reset == {
        "state": "closed",
        "failures": 0,
        "threshold": 3,
        "retry_after_s": 0,
    }
    assert submit().status_code == 202


def test_after_the_pause_one_job_is_let_through(queue, jobs):
    for number in range(3):
        jobs.create(f"{number}", "steering.compare", {})
        jobs.start(f"{number}")
        endings.finish(f"{number}", State.FAILED, error="no", reason="error")
    assert submit().status_code == 503
    let_time_pass(jobs, settings().steering_breaker_reset_after)
    assert call("GET", "/steering/circuit-breaker").json()["state"] == "half_open"
    assert submit().status_code == 202


def test_bad_input_is_no_failure_of_steering(queue, configured):
    configured(STEERING_RATE_LIMIT=0)
    assert [submit(prompt="").status_code for _ in range(4)] == [422] * 4
    assert call("GET", "/steering/circuit-breaker").json()["failures"] == 0


def test_what_the_gate_may_answer_is_described():
    paths = call("GET", "/../../openapi.json").json()["paths"]
    for kind in ("compare", "sweep", "compare/sync", "sweep/sync"):
        assert {"429", "503"} <= paths[f"/api/v1/steering/{kind}"]["post"][
            "responses"
        ].keys()
