import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests import timings
from loadtests.timings import Job

moment = st.none() | st.floats(0, 1000)
numbers = st.lists(st.floats(-1e6, 1e6), min_size=1)
moments = [
    "due",
    "sent",
    "answered",
    "created",
    "started",
    "progress",
    "ended",
    "arrived",
]
outcomes = [*timings.ENDED, "unfinished", "refused", "rejected", "unsent"]
jobs = st.lists(
    st.builds(
        Job,
        k=st.integers(0, 99),
        job_class=st.just("short"),
        outcome=st.sampled_from(outcomes),
        why=st.sampled_from(["", "because"]),
        endings=st.integers(0, 2),
        **dict.fromkeys(moments, moment),
    )
)

#: Sent at 10, waited 2 s, worked 3 s, and the client knew 0.5 s later.
DONE = Job(
    *(0, "short", "a", "completed", ""),
    *(10.0, 10.1, 10.3, 10.2, 12.2, 12.4, 15.2, 15.7),
    endings=1,
)


def test_a_job_is_taken_apart_into_its_durations():
    assert timings.durations(DONE) == pytest.approx(
        {
            "late_s": 0.1,
            "submit_s": 0.3,  # from when it was due, not from when it was sent
            "queue_wait_s": 2.0,
            "first_progress_s": 0.2,
            "run_s": 3.0,
            "to_client_s": 0.5,
            "whole_s": 5.7,
        }
    )


def test_a_duration_with_an_unknown_end_is_not_there():
    job = dataclasses.replace(DONE, started=None)
    assert {"queue_wait_s", "run_s"}.isdisjoint(timings.durations(job))
    assert timings.summaries([job])["run_s"] == {"n": 0}


def test_a_job_travels_as_json_unchanged():
    assert Job(*json.loads(json.dumps(DONE.row()))) == DONE


@given(numbers, st.integers(0, 100), st.integers(0, 100))
def test_a_percentile_is_one_of_the_values_and_grows(values, one, other):
    low, high = sorted((one, other))
    assert timings.percentile(values, low) in values
    assert timings.percentile(values, low) <= timings.percentile(values, high)
    assert timings.percentile(values, 100) == max(values)


@given(numbers, st.integers(1, 100))
def test_so_many_of_a_hundred_values_are_not_above_a_percentile(values, q):
    found = timings.percentile(values, q)
    assert sum(v <= found for v in values) * 100 >= q * len(values)
    assert sum(v < found for v in values) * 100 < q * len(values)


def test_nothing_has_no_percentile():
    with pytest.raises(ValueError, match="No values"):
        timings.percentile([], 50)


@given(jobs)
def test_totals_add_up_whatever_happened(found):
    total = timings.totals(found, planned=len(found) + 3)
    assert total["planned"] == total["sent"] + total["unsent"]
    assert total["sent"] == sum(total[n] for n in ("accepted", "refused", "rejected"))
    ends = ("completed", "failed", "cancelled", "unfinished")
    assert total["accepted"] == sum(total[n] for n in ends)


@given(jobs)
def test_a_curve_never_shows_more_jobs_than_there_were(found):
    steps = timings.curve(found, points=7)
    assert len(steps) in (0, 7)
    assert all(abs(step["waiting"]) <= len(found) for step in steps)
    width = steps[0]["t_s"] if steps else 0
    sent = sum(job.sent is not None for job in found)
    total = sum(step["sent_per_s"] for step in steps) * width
    assert total == pytest.approx(sent, rel=0.01, abs=0.1)


def test_failures_are_counted_by_kind_and_a_refusal_is_none():
    found = [
        *(Job(k, "short", outcome="rejected", why="HTTP 503") for k in range(2)),
        Job(2, "short", outcome="unfinished"),
        Job(3, "short", outcome="completed", why="its ending never came"),
        Job(4, "short", outcome="refused"),
        DONE,
    ]
    assert list(timings.failures(found).items()) == [
        ("rejected: HTTP 503", 2),
        ("unfinished", 1),
        ("completed: its ending never came", 1),
    ]


def at(created, started, ended):
    return Job(
        *(0, "short", "a", "completed"), created=created, started=started, ended=ended
    )


def test_the_backlog_is_what_was_created_and_has_not_started():
    found = [at(0, 0.5, 1.5), at(0, 1.5, 2.5), at(0, 2.5, 3.5), at(3, 3.5, 5)]
    assert timings.peak_backlog(found) == 3
    steps = timings.curve(found, points=5)
    assert [step["waiting"] for step in steps] == [2, 1, 0, 0, 0]
    assert [step["running"] for step in steps] == [1, 1, 1, 1, 0]


def test_a_job_that_ended_while_it_waited_waits_no_longer():
    assert timings.curve([at(0, None, 1), at(0, 1, 4)], points=4)[-1]["waiting"] == 0


def test_a_job_that_never_started_waits_to_the_end():
    found = [at(0, None, None), at(0, 1, 4)]
    assert timings.curve(found, points=4)[-1]["waiting"] == 1
    assert timings.peak_backlog(found) == 2


def test_submits_at_once_do_not_count_one_that_just_ended():
    found = [Job(0, "short", sent=s, answered=a) for s, a in ((0, 2), (1, 3), (3, 4))]
    assert timings.submits_at_once(found) == 2
