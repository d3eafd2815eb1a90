import pytest

from loadtests.grid import moments


def line(what, job, t, **more):
    return {"what": what, "job": job, "t_wall": t, "role": "child", **more}


LINES = [
    line("start", "a", 10.2),
    line("end", "a", 10.3, how="success"),
    line("end", "a", 10.4, how="success", role="parent"),
    line("start", "b", 10.5),
    line("end", "b", 10.7, how="failure:KeyError"),
    line("start", "not ours", 10.5),
    line("end", "not ours", 10.6, how="success"),
    line("start", "never ended", 10.8),
]


def test_a_jobs_moments_are_those_of_the_child_that_ran_it():
    seen = moments.of(LINES, {"b": 10.1, "a": 10.0, "never ended": 10.0})
    assert [(job.sent_t, job.started_t, job.ended_t) for job in seen] == [
        (10.0, 10.2, 10.3),
        (10.1, 10.5, 10.7),
    ]
    assert moments.service_s(seen) == pytest.approx(0.15)
    assert moments.failures(seen) == {"failure:KeyError": 1}


def test_of_a_job_that_ran_twice_the_first_start_and_the_last_end_count():
    again = [*LINES, line("start", "a", 11.0), line("end", "a", 11.2, how="success")]
    (job,) = moments.of(again, {"a": 10.0})
    assert (job.started_t, job.ended_t) == (10.2, 11.2)


def jobs(slots, length_s, count, sent_t=0.0):
    return [
        moments.Seen(
            sent_t,
            sent_t + length_s * (number // slots),
            sent_t + length_s * (number // slots + 1),
            "success",
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("slots", [1, 2, 5])
def test_throughput_is_that_of_full_slots(slots):
    assert moments.full(jobs(slots, 0.5, 200), slots) == pytest.approx(
        slots / 0.5, rel=0.05
    )


def test_too_few_jobs_have_no_throughput():
    with pytest.raises(ValueError, match="4 jobs are too few for 4 slots"):
        moments.full(jobs(4, 0.5, 4), 4)


def test_the_backlog_grows_with_submits_and_falls_with_starts():
    seen = [
        moments.Seen(0.0, 0.0, 1.0, "success"),
        moments.Seen(0.1, 1.0, 2.0, "success"),
        moments.Seen(0.2, 2.0, 3.0, "success"),
    ]
    assert moments.backlog(seen)[-1] == (2.0, 0)
    assert max(waiting for _, waiting in moments.backlog(seen)) == 2


def test_waits_leave_out_those_that_only_fill_the_system():
    seen = jobs(1, 1.0, 10)
    assert moments.waits(seen)["p50"] == pytest.approx(5.0)
