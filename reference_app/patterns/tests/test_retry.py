import math

import pytest
from celery.exceptions import Ignore, SoftTimeLimitExceeded
from hypothesis import given
from hypothesis import strategies as st

from reference_app.patterns.retry import Policy


class Cancelled(BaseException):
    """The job's own cancel."""


def policy(**changes):
    options = {
        "transient": (ConnectionError,),
        "run_s": 10,
        "visibility_timeout_s": 100,
        "final": (Cancelled,),
    }
    return Policy(**{**options, **changes})


@given(
    st.floats(0.01, 50),
    st.floats(1, 80),
    st.lists(st.floats(0, 1, exclude_max=True), min_size=8, max_size=8),
)
def test_pauses_grow_up_to_the_longest_whatever_is_drawn(first_s, longest_s, draws):
    drawn = iter(draws)
    longest_s = max(first_s, longest_s)
    retry = policy(
        attempts=9, first_s=first_s, longest_s=longest_s, draw=lambda: next(drawn)
    )
    pauses = [retry.pause_s(ConnectionError(), n) for n in range(1, 9)]
    assert all(first_s / 2 <= pause <= longest_s for pause in pauses)
    # Up to the longest, a pause is never below the one before.
    growing = [p for n, p in enumerate(pauses) if first_s * 2**n <= longest_s]
    assert growing == sorted(growing)


def test_jobs_that_failed_together_come_apart():
    pauses = {policy().pause_s(ConnectionError(), 1) for _ in range(100)}
    assert len(pauses) > 90


def test_the_last_attempt_is_the_last_however_the_others_ended():
    retry = policy(attempts=3)
    assert retry.pause_s(ConnectionError(), 2) is not None
    # The second start was a lost process: Celery's own count would be 1 here.
    assert retry.pause_s(ConnectionError(), 3) is None
    assert policy(attempts=1).pause_s(ConnectionError(), 1) is None


def caused(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a bug"),
        SoftTimeLimitExceeded(),
        Ignore(),
        Cancelled(),
        caused(ConnectionError("while cleaning up"), SoftTimeLimitExceeded()),
        caused(ConnectionError("while cleaning up"), Cancelled()),
    ],
    ids=repr,
)
def test_bugs_time_outs_and_cancels_are_not_tried_again(error):
    assert policy().pause_s(error, 1) is None


def test_a_time_out_that_a_handler_turned_into_a_fault_is_seen():
    def job():
        try:
            raise SoftTimeLimitExceeded
        except Exception:  # noqa: BLE001 what a library does
            raise ConnectionError("connection lost")  # noqa: B904

    with pytest.raises(ConnectionError) as caught:
        job()
    assert policy().pause_s(caught.value, 1) is None


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"longest_s": 90}, "visibility_timeout_s=100"),
        ({"transient": (Exception,)}, "Exception would repeat"),
        ({"transient": ()}, "transient"),
        ({"first_s": 0}, "first_s=0"),
        ({"first_s": 61}, "first_s=61"),
        ({"attempts": 0}, "attempts=0"),
    ],
)
def test_a_policy_that_cannot_hold_is_refused_by_name(changes, named):
    with pytest.raises(ValueError, match=named):
        policy(**changes)


def test_a_pause_that_the_broker_does_not_hold_may_be_long():
    retry = policy(first_s=9_000, longest_s=9_000, visibility_timeout_s=math.inf)
    assert retry.pause_s(ConnectionError(), 1) >= 4_500


APP = """
from reference_app.patterns.retry import Policy

policy = Policy(transient=(ConnectionError,), run_s=5, visibility_timeout_s=30,
                attempts=3, first_s=0.2, longest_s=1)

@app.task(bind=True, name="fail", max_retries=0)
def fail(self, kind):
    attempt = client.incr(f"starts:{self.request.id}")
    note(self.request.id, attempt)
    try:
        raise {"transient": ConnectionError, "bug": ValueError}[kind](kind)
    except Exception as error:
        policy.again(self, error, attempt)

@app.task(name="after")
def after():
    note("after")
"""


@pytest.mark.real
def test_a_worker_tries_a_transient_fault_three_times_and_a_bug_once(workers):
    workers.define(APP)
    workers.start()
    workers.send("fail", "bug", job_id="bug")
    assert workers.next_note() == "bug 1"
    workers.send("fail", "transient", job_id="job")
    notes = [workers.next_note() for _ in range(3)]
    assert notes == ["job 1", "job 2", "job 3"]
    # Nothing more comes: longer than the longest pause.
    workers.send("after", job_id="after")
    assert workers.next_note() == "after"
    assert workers.next_note(within_s=2) is None
