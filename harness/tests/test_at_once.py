import threading

import pytest

from harness.at_once import all_at_once


def test_all_are_done_at_the_same_time():
    together = threading.Barrier(3, timeout=5)  # breaks where one waits for another

    all_at_once(lambda _: together.wait(), [1, 2, 3])
    all_at_once(lambda _: together.wait(), [])


def test_the_first_error_is_raised_when_all_are_done():
    done = []

    def do(number):
        if number < 3:
            raise ValueError(number)
        done.append(number)

    with pytest.raises(ValueError, match="1"):
        all_at_once(do, [1, 2, 3])
    assert done == [3]
