import statistics

from hypothesis import given
from hypothesis import strategies as st

from loadtests.grid.summary import Spread, summarize
from loadtests.grid.tests.made import grid, measured

rates = st.lists(st.floats(0, 1e6), min_size=1, max_size=7)


@given(rates)
def test_a_spread_is_the_median_between_the_least_and_the_most(values):
    spread = Spread.of(values)
    assert spread.low == min(values)
    assert spread.high == max(values)
    assert spread.median == statistics.median(values)


@given(rates, st.randoms())
def test_the_order_of_the_repeats_does_not_matter(values, random):
    records = [measured(repeat=n, throughput=rate) for n, rate in enumerate(values)]
    expected = summarize(records)
    random.shuffle(records)
    assert summarize(records) == expected
    (cell,) = expected
    assert cell.throughput == Spread.of(values)
    assert cell.jobs == sum(record.jobs for record in records)


@given(rates)
def test_the_typical_repeat_is_the_nearest_to_the_median(values):
    records = [measured(repeat=n, throughput=rate) for n, rate in enumerate(values)]
    (cell,) = summarize(records)
    nearest = min(abs(rate - cell.throughput.median) for rate in values)
    assert abs(cell.typical.throughput - cell.throughput.median) == nearest


def test_each_cell_of_each_series_is_there_once_the_fewest_slots_first():
    cells = summarize(grid(app="b") + grid(app="a") + grid(app="a", arrivals=5.0))
    places = [(cell.series.app, cell.series.arrivals, cell.slots) for cell in cells]
    slots = [2, 4, 4, 8, 8, 8, 16, 16, 32]
    assert places == [
        (app, rate, each)
        for app, rate in (("a", None), ("a", 5.0), ("b", None))
        for each in slots
    ]
    assert {len(cell.repeats) for cell in cells} == {3}


def test_failures_of_all_repeats_are_counted_together():
    failures = [{"lost": 1}, {}, {"lost": 2, "limit": 1}]
    (cell,) = summarize(
        measured(repeat=n, failures=each) for n, each in enumerate(failures)
    )
    assert cell.failures == {"lost": 3, "limit": 1}


def test_a_job_that_takes_no_time_has_no_efficiency():
    (cell,) = summarize([measured(asked_s=0.0, throughput=300.0)])
    assert cell.efficiency is None
    assert cell.ideal is None


def test_nothing_is_summarized_to_nothing():
    assert summarize([]) == []
