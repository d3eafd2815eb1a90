from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests import arrivals, shapes

MIXES = ["short", "short:8,long:1", "short:1,bursty:1", "mine@0.5:2,bursty:3"]


@st.composite
def plans(draw):
    return arrivals.plan(
        draw(st.integers(1, 200)),
        draw(st.none() | st.floats(0.5, 100)),
        mix=arrivals.parse_mix(draw(st.sampled_from(MIXES))),
        shape=draw(st.sampled_from(sorted(shapes.SHAPES))),
        seed=draw(st.integers(0, 99)),
        poisson=draw(st.booleans()),
    )


@given(plans(), st.integers(1, 5))
def test_senders_together_send_the_sequence_and_nothing_twice(planned, senders):
    shares = [arrivals.share(planned, i, senders) for i in range(senders)]
    assert sorted((j for each in shares for j in each), key=lambda j: j.k) == planned
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@given(plans())
def test_jobs_are_numbered_in_the_order_in_which_they_are_due(planned):
    assert [each.k for each in planned] == list(range(len(planned)))
    assert all(one.due_s <= other.due_s for one, other in pairwise(planned))


@given(st.integers(1, 300), st.floats(0.5, 100), st.booleans())
def test_so_many_jobs_come_in_the_time_that_their_rate_says(jobs, rate, poisson):
    mix = arrivals.parse_mix("short")
    planned = arrivals.plan(jobs, rate, mix=mix, poisson=poisson)
    assert len(planned) == jobs
    assert all(0 <= each.due_s <= jobs / rate for each in planned)


def test_even_arrivals_have_one_distance_and_poisson_arrivals_have_not():
    mix = arrivals.parse_mix("short")

    def distances(poisson):
        planned = arrivals.plan(100, 10, mix=mix, poisson=poisson)
        return [other.due_s - one.due_s for one, other in pairwise(planned)]

    assert distances(False) == pytest.approx([0.1] * 99)
    assert max(distances(True)) > 0.2 > 0.02 > min(distances(True))


def test_the_seed_decides():
    mix = arrivals.parse_mix("short:1,long:1")
    one, same, other = (arrivals.plan(50, 5, mix=mix, seed=s) for s in (1, 1, 2))
    assert one == same != other


def test_a_bursty_class_comes_ten_at_once_and_has_its_share_of_jobs():
    mix = arrivals.parse_mix("short:1,bursty:1")
    planned = arrivals.plan(4000, 10, mix=mix)
    bursty = [each for each in planned if each.job_class.name == "bursty"]
    assert len(bursty) == pytest.approx(2000, rel=0.2)
    instants = {each.due_s for each in bursty}
    assert len(instants) == -(-len(bursty) // 10)


def test_most_of_a_spike_comes_in_its_fifth():
    mix = arrivals.parse_mix("short")
    planned = arrivals.plan(1000, 10, mix=mix, shape="spike", poisson=False)
    lasts_s = arrivals.length_s(1000, 10, "spike")
    within = [each for each in planned if 0.4 <= each.due_s / lasts_s < 0.6]
    assert len(within) == pytest.approx(1000 * 0.2 / 0.36, rel=0.01)


@pytest.mark.parametrize(
    ("text", "rate"), [("30/s", 30), ("90/min", 1.5), ("7200/h", 2), ("closed", None)]
)
def test_rates_have_units(text, rate):
    assert arrivals.parse_rate(text) == rate


@pytest.mark.parametrize("text", ["30", "0/s", "-1/s", "30/day", "", "nan/s"])
def test_what_is_no_rate_is_refused_in_its_own_words(text):
    with pytest.raises(ValueError, match=f"{text!r}: give a rate"):
        arrivals.parse_rate(text)


@pytest.mark.parametrize("text", ["", "other", "short:", "short,short", "short:0"])
def test_what_is_no_mix_is_refused(text):
    with pytest.raises(ValueError, match="Job class"):
        arrivals.parse_mix(text)


def test_a_payload_gets_the_seconds_of_its_class_as_a_number():
    (mine,) = arrivals.parse_mix("mine@0.5")
    template = {"a": ["{seconds}", 1], "b": {"c": "{class}", "d": "x{seconds}"}}
    expected = {"a": [0.5, 1], "b": {"c": "mine", "d": "x{seconds}"}}
    assert arrivals.payload(template, mine) == expected
