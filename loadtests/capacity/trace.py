"""The jobs of a run, before they are run: when each comes, and how long it takes.

A measurement and a simulation of the same trace differ by the model alone, not by
chance.
"""

import random
from dataclasses import dataclass

from loadtests.capacity.service import Service


@dataclass(frozen=True)
class Job:
    """One job: when it is sent (s after the first moment), and how long it takes."""

    after_s: float
    seconds: float


def draw(
    arrivals: float | None, service: Service, jobs: int, seed: int | str
) -> list[Job]:
    """Return so many jobs; the same seed, the same jobs.

    `arrivals` per second come as chance will have it (Poisson); None: all at once.
    """
    chance = random.Random(seed)
    after_s, drawn = 0.0, []
    for _ in range(jobs):
        if arrivals is not None:
            after_s += chance.expovariate(arrivals)
        drawn.append(Job(after_s, service.draw(chance)))
    return drawn
