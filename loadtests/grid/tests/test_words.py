import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.grid import words
from loadtests.grid.summary import Series, Spread
from loadtests.grid.tests.made import measured


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, words.NOTHING),
        (0.0, "0"),
        (0.00001, "< 0.0001"),
        (0.0011, "0.0011"),
        (0.1234, "0.123"),
        (12.345, "12.3"),
        (999.6, "1,000"),
        (12345.6, "12,346"),
    ],
)
def test_a_number_has_three_digits(value, told):
    assert words.number(value) == told


@given(st.floats(0, 1e12))
def test_a_number_is_never_told_with_an_exponent(value):
    assert "e" not in words.number(value)


def test_repeats_that_are_told_alike_are_not_told():
    assert words.between(Spread(1.5, 1.0, 2.0)) == "1\N{EN DASH}2"
    assert words.between(Spread(1.0, 1.0001, 1.0002)) == ""
    assert words.between(None) == ""


def test_a_label_tells_what_is_not_the_same_in_all():
    one, other = (
        Series.of(measured(app=app, acks=acks))
        for app, acks in (("shop", "late"), ("stock", "deployed"))
    )
    assert words.label(one, [one]) == "shop"
    assert words.label(one, [one, other]) == "shop, acks late"
    assert words.label(other, [one, other]) == "stock, acks as deployed"
    assert "prefetch as deployed" in words.shared([one, other])
    assert "acks" not in words.shared([one, other])
    assert words.shared([]) == ""
