import pytest

from loadtests.capacity.machine import Cell, Costs, calibrate, throughput
from loadtests.capacity.plan import Impossible, plan
from loadtests.capacity.predict import predict
from loadtests.capacity.service import parse
from loadtests.capacity.simulate import Deployment, simulate

COSTS = Costs(overhead_s=0.004, cpu_s=0.002, broker_s=0.0002, api_s=0.005, cores=4)


def test_calibration_finds_the_costs_that_made_the_cells():
    cells = [
        Cell(slots, service_s, slots / (service_s + 0.01), cpu_s=0.003)
        for slots, service_s in [(1, 0.1), (2, 0.1), (4, 0.05)]
    ]
    disturbed = Cell(8, 0.1, 20.0, cpu_s=0.02)
    found = calibrate([*cells, disturbed, cells[0]], COSTS)
    assert (found.overhead_s, found.cpu_s) == (pytest.approx(0.01), 0.003)
    assert throughput(found, 8, 0.1) == (pytest.approx(8 / 0.11), "slots")
    with pytest.raises(ValueError, match="in which jobs were done"):
        calibrate([], COSTS)


@pytest.mark.parametrize(
    ("arrivals", "service", "how"),
    [
        (8.0, "exp:1", "formula"),
        (8.0, "pareto:0.4,1.7", "simulation: a heavy tail"),
        (150.0, "exp:0.05", "simulation: the API at 75%"),
        (12.0, "exp:1", "no rest"),
    ],
)
def test_the_formula_is_used_where_it_holds(arrivals, service, how):
    made = predict(arrivals, parse(service), Deployment(10, 1), COSTS, jobs=5000)
    assert made.how.startswith(how)
    assert bool(made.waits_s) is (how != "no rest")


def test_formula_and_simulation_agree_on_the_95th_percentile():
    service, deployment = parse("exp:0.5"), Deployment(4, 2)
    made = predict(13.0, service, deployment, COSTS)
    seen = simulate(13.0, service, deployment, COSTS, jobs=30_000, seed=2)
    assert made.how.startswith("formula")
    assert made.waits_s[0.95] == pytest.approx(seen.wait_s(0.95), rel=0.15)


def test_the_plan_is_the_smallest_that_keeps_the_promise():
    service = parse("exp:2s")
    made = plan(50.0, service, 5.0, COSTS, concurrency=4)
    assert made.prediction.waits_s[0.95] <= 5.0
    fewer = Deployment(made.deployment.replicas - 1, 4)
    assert predict(50.0, service, fewer, COSTS).waits_s.get(0.95, 1e9) > 5.0
    assert made.offered == pytest.approx(100.2)
    assert made.deployment.slots >= made.offered


def test_tens_of_thousands_of_slots_take_no_longer_than_a_few():
    wide = Costs(0.004, 0.002, 0.0002, 0.0, cores=1000, shards=16)
    made = plan(20_000.0, parse("exp:2s"), 1.0, wide, concurrency=8)
    assert 40_000 < made.deployment.slots < 42_000


def test_no_number_of_workers_does_more_than_redis():
    with pytest.raises(Impossible, match=r"more than Redis can do: 5e\+03/s"):
        plan(6_000.0, parse("fixed:0.01"), 5.0, Costs(0, 0, 0.0002, 0, cores=64))
