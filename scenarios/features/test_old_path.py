"""Two paths for one job: the flag off, a broker away, an API that restarts."""

import pytest

JOBS = "/api/v1/jobs"


def ways(history, *jobs):
    """Return on which paths the jobs ran, an entry per run."""
    history.collect()
    return [run.start.get("path") for job in jobs for run in history.job(job).runs]


@pytest.mark.feature("S4-02")
def test_the_flag_is_turned_off_while_jobs_wait(
    user, users_of, occupied, messages, page, history
):
    """One API is rolled back, the other not yet; the worker is busy with other work."""
    with users_of(USE_CELERY="false") as rolled_back:
        with occupied():
            before = user.accepted()
            local = rolled_back.accepted()
            with page(f"steering/{local}") as watching:
                assert watching.whole_story()[-1][0] == "completed"
            ended = user.result(local)
            assert (ended["status"], len(ended["result"]["steered"])) == (
                *("completed", 2),
            )
            assert [each["id"] for each in messages("steering")] == [before]
            # What runs on the old path can be cancelled, by whichever API
            running = rolled_back.accepted("long_compare")
            user.until(running, lambda body: body["progress"] >= 25)
            assert user.cancel(running) == "cancelling"
            assert user.ended(running)["status"] == "cancelled"
        after = user.accepted()
        assert user.ended(before)["status"] == user.ended(after)["status"]
        assert user.result(before)["status"] == "completed"
    assert ways(history, before, local, running, after) == [
        *("celery", "local", "local", "celery")
    ]


@pytest.mark.feature("S1-10")
def test_without_a_broker_a_job_runs_all_the_same_and_once(
    user, users_of, page, faults, history, timed
):
    with users_of(STEERING_WITHOUT_BROKER="run_locally") as falls_back:
        with faults.redis_stop():
            answer, took_s = timed(falls_back.submit)
            assert (answer.status_code, took_s < 2) == (202, True)
            local = answer.json()["task_id"]
            # The other API's policy is to refuse
            refused, took_s = timed(user.submit)
            assert (refused.status_code, took_s < 2) == (503, True)
            assert int(refused.headers["Retry-After"]) > 0
            with page(f"steering/{local}", str(falls_back.http.base_url)) as watching:
                assert watching.whole_story()[-1][0] == "completed"
            assert falls_back.result(local)["status"] == "completed"
        # A broker that comes and goes
        jobs = []
        for _ in range(3):
            faults.redis_restart()
            jobs.append(falls_back.accepted())
        for job in jobs:
            assert falls_back.ended(job)["status"] == "completed"
    assert ways(history, local) == ["local"]
    assert len(ways(history, *jobs)) == 3


@pytest.mark.feature("S1-11", "S1-12")
def test_jobs_survive_their_api_and_a_cancel_stays(
    user, users_of, occupied, faults, history
):
    def listed(**query):
        answer = user.get(JOBS, params={"limit": 500, **query})
        assert answer.status_code == 200
        found = {job["task_id"]: job["state"] for job in answer.json()}
        return {job: found[job] for job in jobs if job in found}

    jobs = []

    def accepted(kind="compare"):
        jobs.append(user.accepted(kind))
        return jobs[-1]

    done = accepted()
    assert user.ended(done)["status"] == "completed"
    with occupied():
        waiting, unwanted = accepted(), accepted()
        assert user.cancel(unwanted) == "cancelled"
        before = listed()
        faults.api_restart()
        assert listed() == before
        assert before[done] == "completed"
        assert before[unwanted] == "cancelled"
        assert listed(active=True) == {waiting: "pending"}
        assert user.cancel(unwanted) == "already_cancelled"
    with users_of() as patient:
        running = patient.accepted("long_compare")
        jobs.append(running)
    user.until(running, lambda body: body["state"] in ("started", "progress"))
    faults.api_restart()
    assert listed(active=True) == {running: "started"}
    assert user.cancel(running) == "cancelling"
    assert user.ended(running)["status"] == "cancelled"
    assert user.result(waiting)["status"] == "completed"
    assert listed(active=True) == {}
    assert listed()[unwanted] == user.result(unwanted)["status"] == "cancelled"
    assert user.result(unwanted)["result"] is None
    history.collect()
    assert history.of(source="journal", job=unwanted) == ()
