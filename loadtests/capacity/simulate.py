"""Jobs, slots and what they share, by chance, step by step: where no formula holds.

simpy moves; what is here is the order of things. A job is submitted (API), published
(Redis), reserved by a worker, and taken by one of its slots: processor time first, then
the rest of the overhead, then it starts: its own work waits and computes nothing.
"""

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import simpy

from loadtests.capacity.machine import Costs
from loadtests.capacity.service import Service
from loadtests.capacity.trace import Job, draw

Steps = Generator[simpy.Event, Any, None]

#: The part of the jobs that only fills the system, and is not counted.
WARM_UP = 0.1


@dataclass(frozen=True)
class Deployment:
    """Workers: how many, with how many slots each, and how they reserve messages.

    Args:
        prefetch: messages a worker reserves for each slot, beside the running one where
            it acknowledges early; None where it takes one when a slot is free.
    """

    replicas: int
    concurrency: int
    prefetch: int | None = None

    @property
    def slots(self) -> int:
        """Return how many jobs can run at a time."""
        return self.replicas * self.concurrency


@dataclass(frozen=True)
class Outcome:
    """What a simulation saw; seconds, jobs per second."""

    waits_s: list[float]  #: from submit to start, in the order of the starts
    starts_t: list[float]  #: of all jobs, since the first moment
    ends_t: list[float]
    throughput: float
    backlog: int  #: jobs that waited when the last one was submitted

    def wait_s(self, part: float) -> float:
        """Return the wait that this part of the jobs did not exceed."""
        ordered = sorted(self.waits_s)
        return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


def simulate(
    arrivals: float | None,
    service: Service,
    deployment: Deployment,
    costs: Costs,
    *,
    jobs: int,
    seed: int,
) -> Outcome:
    """Run so many jobs through a deployment; the same seed, the same outcome.

    `arrivals` per second come as chance will have it (Poisson); None: all at once.

    Raises:
        ValueError: there are fewer than 10 jobs: nothing would be left to count.
    """
    return replay(draw(arrivals, service, jobs, seed), deployment, costs)


def replay(trace: Sequence[Job], deployment: Deployment, costs: Costs) -> Outcome:
    """Run exactly these jobs through a deployment.

    Raises:
        ValueError: as `simulate`.
    """
    if len(trace) < 10:
        raise ValueError(
            f"jobs {len(trace)}: at least 10, since the first tenth warms up"
        )
    world = _World(deployment, costs)
    world.environment.process(world.users(trace))
    world.environment.run()
    filling = int(len(trace) * WARM_UP)
    first_t, last_t = world.ends[filling], world.ends[-1]
    took_s = last_t - first_t
    done = len(world.ends) - filling - 1
    return Outcome(
        waits_s=[start_t - sent_t for sent_t, start_t in world.starts[filling:]],
        starts_t=[start_t for _, start_t in world.starts],
        ends_t=world.ends,
        throughput=done / took_s if took_s else math.inf,
        backlog=world.backlog,
    )


class _World:
    def __init__(self, deployment: Deployment, costs: Costs) -> None:
        self.environment = simpy.Environment()
        self._costs = costs
        self._api = simpy.Resource(self.environment, costs.apis)
        self._redis = simpy.Resource(self.environment, costs.shards)
        self._cores = simpy.Resource(self.environment, max(1, math.floor(costs.cores)))
        self._queue = simpy.Store(self.environment)
        self.starts: list[tuple[float, float]] = []  #: submitted, started
        self.ends: list[float] = []
        self.backlog = 0
        for _ in range(deployment.replicas):
            queue = self._queue
            if deployment.prefetch is not None:
                # One more is in the hand of who reserves.
                reserved = deployment.prefetch * deployment.concurrency
                queue = simpy.Store(self.environment, max(1, reserved - 1))
                self.environment.process(self._reserve(queue))
            for _ in range(deployment.concurrency):
                self.environment.process(self._slot(queue))

    def users(self, trace: Sequence[Job]) -> Steps:
        for job in trace:
            if job.after_s > self.environment.now:
                yield self.environment.timeout(job.after_s - self.environment.now)
            self.environment.process(self._submit(job))
        self.backlog = len(self._queue.items)

    def _submit(self, job: Job) -> Steps:
        sent_t = self.environment.now
        yield from self._use(self._api, self._costs.api_s)
        yield from self._use(self._redis, self._costs.broker_s)
        yield self._queue.put((sent_t, job.seconds))

    def _reserve(self, reserved: simpy.Store) -> Steps:
        while True:
            message = yield self._queue.get()
            yield reserved.put(message)

    def _slot(self, queue: simpy.Store) -> Steps:
        waits_s = max(0.0, self._costs.overhead_s - self._costs.cpu_s)
        while True:
            sent_t, seconds = yield queue.get()
            yield from self._use(self._cores, self._costs.cpu_s)
            yield self.environment.timeout(waits_s)
            self.starts.append((sent_t, self.environment.now))
            yield self.environment.timeout(seconds)
            self.ends.append(self.environment.now)

    def _use(self, shared: simpy.Resource, seconds: float) -> Steps:
        if seconds > 0:
            with shared.request() as turn:
                yield turn
                yield self.environment.timeout(seconds)
