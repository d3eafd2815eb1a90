"""Simulated telemetry of a machine: the seed data that a model learns from.

Speed and load depend on the state, current on both, temperature on the current, and
vibration on speed and state; so the columns have several modes each and hang together.
Every reading lies in the machine's physical ranges. The same machine, number of rows
and seed give the same table.
"""

import numpy as np

from reference_app.tvae.machines import COLUMNS, STATES, Machine
from reference_app.tvae.table import Table

#: By state: share of the rated speed and its spread.
_SPEED = ((0.03, 0.012), (0.99, 0.017), (1.17, 0.027), (0.74, 0.147))
#: By state: the two parameters of the beta distribution of the load.
_LOAD = ((1, 8), (5, 5), (8, 2), (3, 2))
#: By state: factor on the vibration, and degrees on top.
_SHAKES = (1.0, 1.0, 1.28, 2.46)
_WARMER_C = (0.0, 0.0, 0.0, 12.0)


def simulate(machine: Machine, rows: int, seed: int) -> Table:
    """Return `rows` readings of the machine, one row each, in no order of time."""
    draw = np.random.default_rng(seed)
    state = draw.choice(len(STATES), rows, p=machine.state_shares)

    share, spread = np.array(_SPEED)[state].T
    speed = np.abs(draw.normal(share, spread))
    load = draw.beta(*np.array(_LOAD)[state].T)
    no_load = machine.no_load_current
    drawn = no_load + (1 - no_load) * speed * (0.4 + load) / 1.4
    drawn = drawn + draw.normal(0, 0.018, rows)
    warmth = machine.ambient_c + draw.normal(0, 3, rows) + draw.normal(0, 1.2, rows)
    warmth = warmth + machine.temperature_rise_c * drawn + np.array(_WARMER_C)[state]
    shaking = machine.vibration_mm_s * np.array(_SHAKES)[state]
    shaking = shaking * np.exp(draw.normal(0, 0.18, rows) + 0.74 * (speed - 1))

    readings = {
        "temperature_c": warmth,
        "vibration_mm_s": shaking,
        "current_a": machine.rated_current_a * drawn,
        "rpm": machine.rated_rpm * speed,
    }
    table: Table = {
        name: np.clip(values, *machine.ranges[name]).round(4)
        for name, values in readings.items()
    }
    table["state"] = np.array(STATES)[state]
    return {name: table[name] for name in COLUMNS}
