from statistics import fmean

import pytest

from loadtests.capacity import queueing
from loadtests.capacity.machine import Costs
from loadtests.capacity.service import parse
from loadtests.capacity.simulate import Deployment, simulate

FREE = Costs(overhead_s=0, cpu_s=0, broker_s=0, api_s=0, cores=1)


@pytest.mark.parametrize(("service", "cs2"), [("exp:1", 1.0), ("fixed:1", 0.0)])
@pytest.mark.parametrize(("slots", "used"), [(1, 0.5), (4, 0.6), (10, 0.7)])
def test_where_the_formula_holds_it_says_the_same(service, cs2, slots, used):
    arrivals = slots * used
    outcomes = [
        simulate(
            arrivals, parse(service), Deployment(slots, 1), FREE, jobs=5000, seed=seed
        )
        for seed in range(5)
    ]
    mean_s = fmean(wait_s for each in outcomes for wait_s in each.waits_s)
    expected_s = queueing.mean_wait_s(arrivals, 1.0, slots, cs2=cs2)
    # Waits of neighbours are alike: 25,000 of them say as much as a few hundred.
    assert mean_s == pytest.approx(expected_s, rel=0.2)
    throughput = fmean(each.throughput for each in outcomes)
    assert throughput == pytest.approx(arrivals, rel=0.03)


def test_the_same_seed_gives_the_same_outcome_and_another_another():
    one, same, other = (
        simulate(5.0, parse("exp:0.5"), Deployment(2, 2), FREE, jobs=500, seed=seed)
        for seed in (1, 1, 2)
    )
    assert one == same != other


@pytest.mark.parametrize(
    ("costs", "throughput"),
    [
        ({}, 40.0),
        ({"overhead_s": 0.1}, 20.0),
        ({"overhead_s": 0.1, "cpu_s": 0.1, "cores": 1}, 10.0),
        ({"broker_s": 0.2}, 5.0),
        ({"broker_s": 0.2, "shards": 2}, 10.0),
        ({"api_s": 0.25}, 4.0),
    ],
)
def test_the_slowest_part_is_the_limit(costs, throughput):
    costs = Costs(
        **{"overhead_s": 0, "cpu_s": 0, "broker_s": 0, "api_s": 0, "cores": 8} | costs
    )
    outcome = simulate(
        None, parse("fixed:0.1"), Deployment(2, 2), costs, jobs=2000, seed=1
    )
    assert outcome.throughput == pytest.approx(throughput, rel=0.03)


def test_reserved_messages_wait_behind_a_long_job_though_another_worker_is_free():
    """One long job in twenty: with prefetch short ones are stranded behind it."""
    service = parse("pareto:0.02,1.2")
    waits = [
        simulate(4.0, service, Deployment(2, 1, prefetch), FREE, jobs=5000, seed=3)
        for prefetch in (None, 4)
    ]
    free, reserved = (each.wait_s(0.95) for each in waits)
    assert reserved > 1.2 * free


def test_what_cannot_be_done_is_a_backlog():
    outcome = simulate(
        20.0, parse("fixed:0.1"), Deployment(1, 1), FREE, jobs=1000, seed=1
    )
    assert outcome.throughput == pytest.approx(10.0, rel=0.02)
    assert outcome.backlog > 400
