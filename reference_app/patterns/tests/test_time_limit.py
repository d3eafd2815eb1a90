import os
import signal
import weakref

import pytest
from celery.exceptions import SoftTimeLimitExceeded

from reference_app.patterns.time_limit import SoftLimit, reraise_limit


class Tensor:
    """Something that must be gone before clean-up."""


def hit_the_limit():
    os.kill(os.getpid(), signal.SIGUSR1)


def nothing():
    """No clean-up."""


@pytest.fixture(autouse=True)
def celery_child():
    """What a prefork child does at start: its own handler for the soft limit."""

    def handler(signum, frame):
        raise AssertionError("the limit came outside of SoftLimit")

    previous = signal.signal(signal.SIGUSR1, handler)
    yield handler
    assert signal.getsignal(signal.SIGUSR1) is handler
    signal.signal(signal.SIGUSR1, previous)


def test_a_job_within_its_limit_returns_its_value_after_clean_up():
    order = []
    with SoftLimit() as limit:
        value = limit.run(
            lambda: order.append("job") or 7, cleanup=lambda: order.append("cleanup")
        )
    assert (value, order) == (7, ["job", "cleanup"])


def test_the_limit_interrupts_and_the_frames_are_empty_at_clean_up():
    seen = []

    def job():
        tensor = Tensor()
        seen.append(weakref.ref(tensor))
        hit_the_limit()

    def cleanup():
        seen.append(seen[0]() is None)

    with SoftLimit() as limit, pytest.raises(SoftTimeLimitExceeded):
        limit.run(job, cleanup=cleanup)
    assert seen[1] is True


def test_a_swallowed_limit_is_no_success():
    def job():
        try:
            hit_the_limit()
        except Exception:  # noqa: BLE001 what a library does
            return "done"

    with SoftLimit() as limit, pytest.raises(SoftTimeLimitExceeded):
        limit.run(job, cleanup=nothing)
    assert limit.reached


def test_a_job_that_works_on_after_a_swallowed_limit_ends_at_its_next_check():
    """As where a connection pool swallows it: no handler of the job is to blame."""
    done = []

    def job():
        for item in range(5):
            limit.check()
            try:
                if item == 2:
                    hit_the_limit()
            except Exception:  # noqa: BLE001 what a library does
                continue
            done.append(item)

    with SoftLimit() as limit, pytest.raises(SoftTimeLimitExceeded):
        limit.run(job, cleanup=lambda: limit.check())  # clean-up is not interrupted
    assert done == [0, 1]
    limit.check()  # nor is what follows


def test_a_limit_turned_into_another_error_is_named_a_limit():
    def job():
        try:
            hit_the_limit()
        except Exception as error:
            raise RuntimeError("generation failed") from error

    with SoftLimit() as limit, pytest.raises(SoftTimeLimitExceeded):
        limit.run(job, cleanup=nothing)


def test_after_the_job_the_limit_interrupts_nothing():
    with SoftLimit() as limit:
        assert limit.run(lambda: 1, cleanup=hit_the_limit) == 1
        hit_the_limit()  # while the result is stored


def test_a_limit_before_the_job_keeps_it_from_starting():
    with SoftLimit() as limit:
        hit_the_limit()
        with pytest.raises(SoftTimeLimitExceeded):
            limit.run(lambda: pytest.fail("it ran"), cleanup=nothing)


def test_an_error_of_the_job_passes_after_clean_up():
    cleaned = []
    with SoftLimit() as limit, pytest.raises(KeyError, match="layer"):
        limit.run(lambda: {}["layer"], cleanup=lambda: cleaned.append(True))
    assert cleaned == [True]


def test_a_loop_that_goes_on_after_errors_lets_the_limit_through():
    done = []

    def job():
        for item in range(100):
            try:
                if item == 3:
                    hit_the_limit()
                raise ValueError(item)
            except Exception as error:  # noqa: BLE001 the subject
                reraise_limit(error)
                done.append(item)

    with SoftLimit() as limit, pytest.raises(SoftTimeLimitExceeded):
        limit.run(job, cleanup=nothing)
    assert done == [0, 1, 2]
