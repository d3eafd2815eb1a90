"""The smallest deployment that keeps a promise about waiting, and why it must be so."""

import math
from dataclasses import dataclass

from loadtests.capacity.machine import Costs, limits
from loadtests.capacity.predict import Prediction, predict
from loadtests.capacity.service import Service
from loadtests.capacity.simulate import Deployment

#: Replicas beyond which nobody looks: something else is the limit by then.
AT_MOST = 100_000


@dataclass(frozen=True)
class Plan:
    """How many replicas are needed, what they do, and what the next limit is.

    Args:
        offered: slots that are busy on average: no fewer can do the work.
        limits: jobs per second that each part allows.
    """

    deployment: Deployment
    prediction: Prediction
    offered: float
    limits: dict[str, float]


class Impossible(ValueError):
    """No number of workers does it: the limit is elsewhere."""


def plan(
    arrivals: float,
    service: Service,
    wait_s: float,
    costs: Costs,
    *,
    part: float = 0.95,
    concurrency: int = 1,
    prefetch: int | None = None,
    seed: int = 1,
) -> Plan:
    """Return the fewest replicas with which this part of jobs waits no longer.

    Raises:
        Impossible: Redis, the API or the processors cannot do it, or jobs wait longer
            than that before any worker sees them.
    """
    offered = arrivals * (service.mean_s + costs.overhead_s)
    for name, allowed in limits(costs, AT_MOST, service.mean_s).items():
        if name != "slots" and arrivals >= allowed:
            raise Impossible(
                f"{arrivals:g} jobs/s are more than {name} can do: {allowed:.3g}/s. "
                "No number of workers helps; add shards, API processes or processors."
            )

    def with_(replicas: int) -> Plan:
        deployment = Deployment(replicas, concurrency, prefetch)
        found = predict(arrivals, service, deployment, costs, parts=(part,), seed=seed)
        allowed = limits(costs, deployment.slots, service.mean_s)
        return Plan(deployment, found, offered, allowed)

    def keeps(made: Plan) -> bool:
        return made.prediction.waits_s.get(part, math.inf) <= wait_s

    low, high = 0, max(1, math.ceil(offered / concurrency))
    while not keeps(best := with_(high)):
        low, high = high, high * 2
        if high > AT_MOST:
            raise Impossible(
                f"Jobs wait longer than {wait_s:g} s before a worker takes them: "
                f"{best.prediction.limit} is the limit."
            )
    while high - low > 1:
        middle = (low + high) // 2
        made = with_(middle)
        if keeps(made):
            high, best = middle, made
        else:
            low = middle
    return best
