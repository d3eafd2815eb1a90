"""The job function that makes a machine's seed data, and how it is read again.

A module of its own, without a DEVICE: to simulate telemetry nobody has to wait for the
accelerator.
"""

from collections.abc import Mapping
from typing import Any

from reference_app.tvae import machines, places, table, telemetry
from reference_app.tvae.errors import NoSeedData, TryLater
from reference_app.tvae.stages import Context, tell
from reference_app.tvae.table import Table

TRANSIENT = (TryLater,)


def make(request: Mapping[str, Any], ctx: Context) -> dict[str, Any]:
    """Simulate the machine's telemetry; it replaces earlier seed data."""
    machine = machines.find(request["machine_id"])
    rows, seed = request["samples"], request["seed"]
    tell(ctx, machine.machine_id, 0, "initializing", "Simulating telemetry")
    simulated = telemetry.simulate(machine, rows, seed)
    ctx.check_cancelled()
    path = places.of(machine.machine_id).seed
    table.write(simulated, path)
    return {
        "machine_id": machine.machine_id,
        "samples_generated": rows,
        "seed": seed,
        "file_path": str(path),
        "file_size_mb": round(path.stat().st_size / 1e6, 3),
    }


def read(machine_id: str) -> Table:
    """Return the machine's seed data.

    Raises:
        NoSeedData: there is none, or it is damaged.
    """
    path = places.of(machine_id).seed
    try:
        return table.read(path, words=["state"])
    except FileNotFoundError:
        raise NoSeedData(
            f"{machine_id} has no seed data. POST /api/gan/machines/{machine_id}/seed"
        ) from None
    except ValueError as error:
        raise NoSeedData(str(error)) from None
