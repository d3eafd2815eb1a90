"""Throughput and waits of a deployment, by formula where one holds, else simulated."""

from dataclasses import dataclass

from loadtests.capacity import queueing
from loadtests.capacity.machine import Costs, throughput
from loadtests.capacity.service import Service
from loadtests.capacity.simulate import Deployment, simulate

#: Of what a shared part can do; above it jobs wait for it, and no formula here knows.
CROWDED = 0.7

#: Of what the slots can do; above it the queue never comes to rest in a simulation.
FULL = 0.98

#: Jobs of a simulation: the error of a 95th percentile is a few per cent then.
JOBS = 20_000


@dataclass(frozen=True)
class Prediction:
    """What a deployment does with so many arrivals.

    Args:
        waits_s: {part of the jobs: seconds they wait at most}; empty where the queue
            grows without end.
        limit: the part that is nearest to what it can do, and would be first too small.
        used: how much of that is used, 0 to 1 and above.
        how: "formula" or "simulation", and why that.
    """

    throughput: float
    waits_s: dict[float, float]
    limit: str
    used: float
    how: str


def predict(
    arrivals: float,
    service: Service,
    deployment: Deployment,
    costs: Costs,
    *,
    parts: tuple[float, ...] = (0.5, 0.95, 0.99),
    jobs: int = JOBS,
    seed: int = 1,
) -> Prediction:
    """Return what comes of `arrivals` jobs per second."""
    capacity, limit = throughput(costs, deployment.slots, service.mean_s)
    used = arrivals / capacity
    if used >= FULL:
        return Prediction(min(arrivals, capacity), {}, limit, used, "no rest: too many")
    why = _no_formula(arrivals, service, deployment, costs)
    if why:
        outcome = simulate(arrivals, service, deployment, costs, jobs=jobs, seed=seed)
        waits_s = {part: outcome.wait_s(part) for part in parts}
        return Prediction(arrivals, waits_s, limit, used, f"simulation: {why}")
    busy_s = service.mean_s + costs.overhead_s
    # The overhead does not vary: it makes the whole more regular.
    cs2 = service.scv * (service.mean_s / busy_s) ** 2
    on_the_way_s = costs.api_s + costs.broker_s + costs.overhead_s
    waits_s = {
        part: on_the_way_s
        + queueing.wait_s(part, arrivals, busy_s, deployment.slots, cs2=cs2)
        for part in parts
    }
    return Prediction(arrivals, waits_s, limit, used, "formula: Allen-Cunneen")


def _no_formula(
    arrivals: float, service: Service, deployment: Deployment, costs: Costs
) -> str:
    """Return why no formula holds, "" where one does."""
    if service.heavy:
        return "a heavy tail"
    if deployment.prefetch is not None and (deployment.replicas > 1 or service.scv):
        return "reserved messages wait behind running ones"
    crowded = {
        "processors": arrivals * costs.cpu_s / costs.cores,
        "Redis": arrivals * costs.broker_s / costs.shards,
        "the API": arrivals * costs.api_s / costs.apis,
    }
    for name, used in crowded.items():
        if used > CROWDED:
            return f"{name} at {used:.0%}"
    return ""
