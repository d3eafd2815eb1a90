import numpy as np
import pytest

from reference_app.tvae import machines, telemetry
from reference_app.tvae.machines import COLUMNS, STATES


def tables_equal(one, other):
    return one.keys() == other.keys() and all(
        np.array_equal(one[name], other[name]) for name in one
    )


def test_the_same_seed_gives_the_same_table_and_another_seed_another(machine):
    one = telemetry.simulate(machine, 200, seed=1)
    assert tables_equal(one, telemetry.simulate(machine, 200, seed=1))
    assert not tables_equal(one, telemetry.simulate(machine, 200, seed=2))


@pytest.mark.parametrize("number", range(3))
def test_every_reading_of_every_machine_is_physically_possible(configured, number):
    machine = machines.known()[number]
    table = telemetry.simulate(machine, 4000, seed=number)
    assert tuple(table) == COLUMNS
    for name, (low, high) in machine.ranges.items():
        assert low <= table[name].min() < table[name].max() <= high
    assert set(table["state"]) <= set(STATES)


def test_the_states_take_their_shares_of_time(machine):
    state = telemetry.simulate(machine, 8000, seed=0)["state"]
    for name, share in zip(STATES, machine.state_shares, strict=True):
        assert (state == name).mean() == pytest.approx(share, abs=0.02)


def test_a_faulty_machine_runs_warmer_and_shakes_more(machine):
    table = telemetry.simulate(machine, 8000, seed=0)
    fault, normal = (table["state"] == name for name in ("fault", "normal"))
    for name in ("temperature_c", "vibration_mm_s"):
        assert table[name][fault].mean() > table[name][normal].mean()
    assert table["rpm"][fault].std() > table["rpm"][normal].std()
