import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.capacity import queueing

#: From the tables of Erlang C (load, slots: probability of waiting).
TABLE = [(0.5, 1, 0.5), (1.0, 2, 1 / 3), (2.0, 3, 4 / 9), (8.0, 10, 0.4092)]


@pytest.mark.parametrize(("load", "slots", "waits"), TABLE)
def test_erlang_c_is_as_in_the_tables(load, slots, waits):
    assert queueing.erlang_c(slots, load) == pytest.approx(waits, abs=1e-4)


def test_one_slot_is_the_textbooks_m_m_1():
    assert queueing.mean_wait_s(0.5, 1.0, 1) == pytest.approx(1.0)
    # P(W > t) = rho exp(-(mu - lambda) t)
    assert queueing.wait_s(0.95, 0.5, 1.0, 1) == pytest.approx(2 * math.log(10))


def test_fixed_service_waits_half_as_long_as_exponential():
    exponential = queueing.mean_wait_s(0.5, 1.0, 1)
    assert queueing.mean_wait_s(0.5, 1.0, 1, cs2=0) == pytest.approx(exponential / 2)


@given(st.integers(1, 20_000), st.floats(0.01, 0.99))
def test_more_slots_never_wait_longer(slots, used):
    arrivals = slots * used
    less = queueing.wait_s(0.95, arrivals, 1.0, slots)
    assert 0 <= queueing.wait_s(0.95, arrivals, 1.0, slots + 1) <= less


def test_too_few_slots_and_no_part_are_refused():
    with pytest.raises(ValueError, match="cannot do the work of 2"):
        queueing.erlang_c(2, 2.0)
    with pytest.raises(ValueError, match=r"write 0\.95"):
        queueing.wait_s(95, 0.5, 1.0, 1)
