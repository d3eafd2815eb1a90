import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests import shapes

share = st.floats(0, 1)
shape = st.sampled_from(sorted(shapes.SHAPES))


@given(shape, share, share)
def test_more_arrivals_need_a_later_place(name, one, other):
    less, more = sorted((one, other))
    assert 0 <= shapes.place_of(name, less) <= shapes.place_of(name, more) <= 1


@given(shape, share)
def test_the_place_of_a_share_is_where_that_much_area_lies_before_it(name, done):
    place, pieces = shapes.place_of(name, done), 4000
    widths = place / pieces
    area = sum(shapes.part(name, (i + 0.5) * widths) for i in range(pieces)) * widths
    assert area == pytest.approx(done * shapes.mean(name), abs=1e-3)


def test_a_spike_is_five_times_what_is_around_it():
    assert shapes.part("spike", 0.39) == 0.2
    assert shapes.part("spike", 0.4) == shapes.part("spike", 0.59) == 1.0
    assert shapes.part("spike", 0.6) == shapes.part("spike", 1.0) == 0.2
    assert shapes.mean("spike") == pytest.approx(0.36)


def test_a_ramp_grows_all_the_time():
    parts = [shapes.part("ramp", place / 10) for place in range(11)]
    assert parts == sorted(set(parts))
    assert (parts[0], parts[-1]) == (0.1, 1.0)
