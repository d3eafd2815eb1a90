import pytest

from loadtests.grid import words
from loadtests.grid.findings import answers, notes, reasons
from loadtests.grid.summary import summarize
from loadtests.grid.tests.made import grid, measured


def one(**said):
    (cell,) = summarize([measured(**said)])
    return cell


def test_each_series_has_its_best_its_good_and_its_first_bad_cell():
    found = answers(summarize(grid() + grid(app="stock", full=150.0)), cores=2)
    told = [(a.series.app, a.best.slots, a.paying.slots, a.drop.slots) for a in found]
    assert told == [("reference", 32, 8, 16), ("stock", 32, 8, 16)]
    assert all(answer.why for answer in found)


def test_of_equal_throughputs_the_one_with_fewer_slots_is_the_best():
    cells = summarize(measured(2, each, throughput=20.0) for each in (2, 1))
    (answer,) = answers(cells)
    assert answer.best.slots == 2


def test_where_no_slot_is_wasted_nothing_drops():
    (answer,) = answers([one(throughput=79.0)])
    assert answer.drop is None
    assert answer.paying is answer.best
    assert answer.why == []


def test_where_every_slot_is_wasted_none_pays():
    (answer,) = answers([one(throughput=10.0)])
    assert answer.paying is None
    assert answer.drop is answer.best


def test_without_an_ideal_there_is_only_a_best():
    (answer,) = answers([one(asked_s=0.0, throughput=300.0)])
    assert (answer.best.slots, answer.paying, answer.drop) == (8, None, None)


def test_the_fewest_slots_that_keep_up_with_what_arrives_are_enough():
    cells = summarize(
        measured(2, each, arrivals=40.0, throughput=min(40.0, 9.0 * 2 * each))
        for each in (1, 2, 4, 8)
    )
    (answer,) = answers(cells)
    assert answer.enough.slots == 8
    assert answer.shown is answer.enough
    assert answer.drop is None  # 16 slots are idle because no more work came
    (answer,) = answers(cells[:1])
    assert answer.enough is None
    assert answer.shown is answer.best


QUIET = {"throughput": 40.0, "service_s": 0.1, "busy": 0.3, "cpu_s": 0.01}


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"service_s": 0.2}, "a job took 0.2 s instead of the 0.1 s"),
        ({}, "a slot stood 0.1 s without a job"),
        ({"busy": 0.97}, "the machine's 2 processors were 97 % busy, 0.4 of them"),
        ({"broker_cpu_s": 0.022}, "Redis used 0.88 of the one processor"),
        ({}, "neither the machine (30 % busy) nor Redis (0.044 of a processor)"),
    ],
)
def test_the_reason_of_a_drop_is_told_with_its_numbers(said, reason):
    told = reasons(one(**(QUIET | said)), cores=2)
    assert any(text.startswith(reason) for text in told), told


def test_a_machine_that_others_use_is_told_where_its_cores_are_known():
    cells = [one(**QUIET | {"busy": 0.6, "jobs": 900})]
    assert any(
        "Others than the measured parts" in note for note in notes(cells, cores=2)
    )
    assert notes(cells) == []


def test_repeats_that_differ_and_jobs_that_are_few_are_told():
    cells = summarize(
        measured(repeat=n, throughput=rate, jobs=5)
        for n, rate in enumerate((50.0, 60.0, 70.0))
    )
    apart, few = notes(cells)
    assert "differ by more than 20 %" in apart
    assert f"Fewer than 60 jobs ended in {words.place(2, 4)}" in few
    assert notes([]) == []
