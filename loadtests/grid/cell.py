"""One cell of a grid: its workers, its jobs, and what came of them.

A closed run fills the queue before the workers take from it, so that every slot has
work all the time; an open one sends jobs at random moments at a set rate, whatever
becomes of them. Moments are those that the witness wrote down in the workers.
"""

import dataclasses
import math
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil

from harness import History, Probes, Stack, open_engine, wait_until
from harness.errors import TooSlow
from loadtests.capacity import service
from loadtests.capacity.trace import Job, draw
from loadtests.grid import moments
from loadtests.grid.apps import App
from loadtests.grid.meter import Meter
from loadtests.grid.producer import Producer
from loadtests.grid.record import Measured, Planned

#: Jobs per slot that only warm it up: its process forks, connects, imports.
WARM_UP = 3

#: Cores that a deployment at rest uses at most, and seconds it has to come to rest:
#: some parts go on loading in the background after they are ready.
REST_CORES, REST_WITHIN_S = 0.2, 30.0

#: Jobs of a closed run: fewer say nothing, more cost time and say the same.
LEAST_JOBS, MOST_JOBS = 30, 4000

#: Seconds that a job of no length is taken to cost, to guess how many there must be.
NOTHING_S = 0.002

#: Seconds a run may take beside its jobs' own time, and times that, on a busy machine.
SLACK_S, SLACK = 60.0, 5.0


@dataclasses.dataclass(frozen=True)
class Cell:
    """What is measured: an application, how it is deployed, and the jobs.

    Args:
        prefetch: messages a worker reserves for each slot; None: as deployed.
        acks: "early" or "late"; None: as deployed.
        service: how long jobs take, as `loadtests.capacity.service` reads it.
        arrivals: jobs per second of an open run; None: a closed one.
        seconds: how long it is measured, about.
    """

    app: App
    engine: str
    replicas: int
    concurrency: int
    service: str
    prefetch: int | None = None
    acks: str | None = None
    payload_bytes: int = 0
    arrivals: float | None = None
    seconds: float = 5.0
    repeat: int = 1
    seed: int = 1

    @property
    def slots(self) -> int:
        """Return how many jobs can run at a time."""
        return self.replicas * self.concurrency

    @property
    def options(self) -> str:
        """Return the options of Celery's worker."""
        options = f"--concurrency={self.concurrency}"
        if self.prefetch is not None:
            options += f" --prefetch-multiplier={self.prefetch}"
        return options

    @property
    def planned(self) -> Planned:
        """Return what a record says of it."""
        return Planned(
            app=self.app.name,
            through=self.app.through,
            engine=self.engine,
            replicas=self.replicas,
            concurrency=self.concurrency,
            prefetch="deployed" if self.prefetch is None else str(self.prefetch),
            acks=self.acks or "deployed",
            service=self.service,
            asked_s=service.parse(self.service).mean_s,
            payload_bytes=self.payload_bytes,
            arrivals=self.arrivals,
            repeat=self.repeat,
            seed=self.seed,
        )

    def jobs(self) -> list[Job]:
        """Return its jobs; the same seed, the same jobs."""
        drawn = service.parse(self.service)
        if self.arrivals is not None:
            count = max(LEAST_JOBS, math.ceil(self.arrivals * self.seconds))
        else:
            fits = self.slots * self.seconds / max(NOTHING_S, drawn.mean_s)
            count = max(LEAST_JOBS, 4 * self.slots, min(math.ceil(fits), MOST_JOBS))
        return draw(self.arrivals, drawn, count, f"{self.seed} {self.repeat}")


def measure(cell: Cell) -> Measured:
    """Start what the cell says, run its jobs, and return what was measured.

    Raises:
        StackError: a part died; TooSlow: jobs were lost, or far too slow.
    """
    with deployed(cell) as (stack, workers):
        return run(cell, stack, workers)


@contextmanager
def deployed(cell: Cell) -> Iterator[tuple[Stack, list[str]]]:
    """Run the cell's workers while the body runs; yield the stack and their roles."""
    env = {} if cell.acks is None else {"ACKS_LATE": str(int(cell.acks == "late"))}
    target = cell.app.deployed(cell.options, env)
    engine = open_engine(cell.engine, target)
    with ExitStack() as closing:
        closing.callback(engine.close)
        folder = closing.enter_context(
            tempfile.TemporaryDirectory(prefix="queueproof-grid-")
        )
        stack = Stack(target, engine, Path(folder))
        closing.callback(stack.stop)
        stack.start()
        workers = ["worker"]
        for _ in range(cell.replicas - 1):
            workers.append(closing.enter_context(stack.replica("worker")).name)
        yield stack, workers


def run(cell: Cell, stack: Stack, workers: Sequence[str]) -> Measured:
    """Run the cell's jobs on workers that are there."""
    jobs = cell.jobs()
    within_s = SLACK_S + SLACK * max(
        sum(job.seconds for job in jobs) / cell.slots, jobs[-1].after_s
    )
    with Producer(cell.app, stack, "x" * cell.payload_bytes) as producer:
        producer.send([Job(0.0, 0.0)] * (WARM_UP * cell.slots))
        finish(stack, producer, within_s)
        _rest()
        warm = set(producer.sent)
        if cell.arrivals is None:
            _hold(stack, workers)
            producer.send(jobs)
            meter = Meter(stack.urls.broker)
            _let_go(stack, workers)
        else:
            meter = Meter(stack.urls.broker)
            producer.send(jobs)
        finish(stack, producer, within_s)
        used = meter.read()
        sent = {job: t for job, t in producer.sent.items() if job not in warm}
        history = History()
        probes = Probes(stack, history)
        memory_mib = sum(probes.memory(role) for role in workers)
        probes.close()
    seen = moments.of(stack.executions.lines("ledger"), sent)
    closed = cell.arrivals is None
    throughput = moments.full(seen, cell.slots) if closed else moments.rate(seen)
    return Measured(
        **dataclasses.asdict(cell.planned),
        jobs=len(seen),
        throughput=throughput,
        service_s=moments.service_s(seen),
        wait_s=moments.waits(seen),
        memory_mib=memory_mib,
        cpu_s=used.cpu_s / len(seen),
        broker_cpu_s=used.broker_cpu_s / len(seen),
        backlog=moments.backlog(seen),
        failures={**producer.refused, **moments.failures(seen)},
        busy=used.busy,
    )


def finish(stack: Stack, producer: Producer, within_s: float) -> None:
    """Return when every job that was taken has ended."""

    def missing() -> int:
        lines = stack.executions.lines("ledger")
        ended = {line["job"] for line in lines if line.get("what") == "end"}
        return len(producer.sent.keys() - ended)

    wait_until(
        lambda: missing() == 0,
        within_s=within_s,
        every_s=0.25,
        what=f"all of {len(producer.sent)} jobs have ended",
        on_timeout=lambda: f"{missing()} have not. " + stack.logs("worker"),
    )


def _rest() -> None:
    """Wait until nobody loads anything any more; on a busy machine in vain."""
    cores = os.cpu_count() or 1
    psutil.cpu_percent()  # since the last call
    with suppress(TooSlow):
        wait_until(
            lambda: psutil.cpu_percent() / 100 * cores < REST_CORES,
            within_s=REST_WITHIN_S,
            every_s=0.5,
            what="the deployment is at rest",
        )


def _hold(stack: Stack, workers: Sequence[str]) -> None:
    for role in workers:
        stack.engine.pause(stack.process(role).id)


def _let_go(stack: Stack, workers: Sequence[str]) -> None:
    for role in workers:
        stack.engine.resume(stack.process(role).id)
