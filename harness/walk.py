"""Random walks: what users and bad luck do, in any order, on the running application.

A walk is a list of steps, data that can be stored and walked again. Jobs are meant by
their number, modulo those there are, so that every list can be walked and each part of
one, too: that is how a walk that breaks a promise is made short.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.contract import find_contract
from harness.driver import Driver
from harness.errors import NeverHappened, NotApplicable, StackError, TargetError
from harness.faults import Faults
from harness.history import History
from harness.probes import Probes
from harness.rollout import Rollout, deploy
from harness.run import Run
from harness.scenario import Scenario
from harness.stack import Stack
from harness.subscriber import Subscriber
from harness.verdict import Status
from harness.wait import pause

#: What must hold whatever was done. Others say when something is to happen, and know
#: of one disturbance at a time.
CONTRACTS = (
    "terminal.exactly-one",
    "progress.never-goes-back",
    "result.ready-when-announced",
    "delivery.churn-loses-nothing",
)

#: Of the format in which walks are stored.
SCHEMA = 1

#: Seconds a process is frozen: longer than a lease takes to renew, shorter than it.
FROZEN_S = 0.5

#: Seconds of doing nothing.
IDLE_S = 0.3

#: Seconds all jobs of a walk have to end, after it: several may have lost their worker.
END_WITHIN_S = 60.0


@dataclass(frozen=True)
class Step:
    """One thing that is done: its name in `STEPS`, and the number of the job meant."""

    do: str
    job: int = 0

    def __str__(self) -> str:
        return self.do if self.do in OF_NO_JOB else f"{self.do} {self.job}"


@dataclass
class Walked:
    """What came of a walk: what is wrong, if anything, and where it is kept.

    `undecided` are the contracts of which nothing can be said: a blow that hit nothing,
    a page that had left. What is violated is so all the same.
    """

    problems: list[str]
    folder: Path
    undecided: list[str] = field(default_factory=list)


@dataclass
class _World:
    """The application under way: what a step may touch."""

    stack: Stack
    history: History
    driver: Driver
    faults: Faults
    rollout: Rollout
    flag_is_on: bool = True
    jobs: list[str] = field(default_factory=list)
    pages: dict[str, Subscriber] = field(default_factory=dict)


def _submit(world: _World, _: str) -> None:
    job = world.driver.submit(world.stack.target.shortest_job)
    world.jobs.append(job)
    world.pages[job] = world.driver.subscribe(job)


def _submit_twice(world: _World, _: str) -> None:
    if world.driver.target.api and world.driver.target.api.key:
        job = world.driver.submit_twice(world.stack.target.shortest_job)
        world.jobs.append(job)
        world.pages[job] = world.driver.subscribe(job)


def _cancel(world: _World, job: str) -> None:
    world.driver.cancel(job)


def _reconnect(world: _World, job: str) -> None:
    world.pages[job].drop()
    world.pages[job] = world.pages[job].again()


def _deliver_again(world: _World, job: str) -> None:
    world.faults.second_delivery(world.stack.target.queues[0], job=job)


def _kill_child(world: _World, job: str) -> None:
    world.faults.kill_child(job)


def _freeze_child(world: _World, job: str) -> None:
    with world.faults.pause_child(job):
        pause(FROZEN_S)


def _freeze_worker(world: _World, _: str) -> None:
    with world.faults.pause("worker"):
        pause(FROZEN_S)


def _kill_worker(world: _World, _: str) -> None:
    world.faults.kill_main("worker")


def _kill_beat(world: _World, _: str) -> None:
    world.faults.kill_main("beat")


def _restart_api(world: _World, _: str) -> None:
    with _pages_come_back(world):
        world.faults.api_restart()


def _flip(world: _World, _: str) -> None:
    if world.stack.target.flag:
        with _pages_come_back(world):
            world.flag_is_on = not world.flag_is_on
            world.rollout.flip(on=world.flag_is_on)


@contextlib.contextmanager
def _pages_come_back(world: _World) -> Iterator[None]:
    for page in world.pages.values():
        page.drop()
    yield
    world.pages = {job: page.again() for job, page in world.pages.items()}


def _restart_redis(world: _World, _: str) -> None:
    world.faults.redis_restart()


def _cut(world: _World, _: str) -> None:
    world.faults.cut_connections("all", "worker")


def _idle(world: _World, _: str) -> None:
    pause(IDLE_S)


#: What needs no job to be there.
OF_NO_JOB: dict[str, Callable[[_World, str], None]] = {
    "submit": _submit,
    "submit_twice": _submit_twice,
    "idle": _idle,
    "kill_worker": _kill_worker,
    "kill_beat": _kill_beat,
    "freeze_worker": _freeze_worker,
    "restart_api": _restart_api,
    "flip": _flip,
    "restart_redis": _restart_redis,
    "cut": _cut,
}
OF_A_JOB: dict[str, Callable[[_World, str], None]] = {
    "cancel": _cancel,
    "reconnect": _reconnect,
    "deliver_again": _deliver_again,
    "kill_child": _kill_child,
    "freeze_child": _freeze_child,
}
STEPS = {**OF_NO_JOB, **OF_A_JOB}


class Walker:
    """Walks on one kept stack; each walk has a history of its own, and is judged.

    Raises:
        NotApplicable: the target has no users to act as.
    """

    def __init__(self, run: Run, again: str) -> None:
        target = run.target
        if target.api is None or target.socket is None or not target.jobs:
            raise NotApplicable(
                "it has no API with jobs and events to walk on: describe [api], "
                "[socket] and a [job] in its target.toml"
            )
        self._run = run
        self._again = again
        self._contracts = [find_contract(id) for id in CONTRACTS]
        self._count = 0

    def walk(self, steps: Sequence[Step]) -> Walked:
        """Take the steps, let all jobs end, judge; the stack is kept if it is clean."""
        self._count += 1
        name = f"walk::{self._count:03d}"
        scenario = Scenario(self._run, name, self._contracts, self._again)
        store(scenario.folder / "walk.json", steps)
        replaced = len(self._run.notes)
        try:
            stack = self._run.stack_for(scenario.history)
            if stack.described:  # the walk before left the flag turned
                deploy(stack, {})
            probes = Probes(stack, scenario.history)
            scenario.follow(stack, probes)
            world = _World(
                stack,
                scenario.history,
                Driver(stack.target, stack.urls.api, scenario.history),
                Faults(stack, scenario.history),
                Rollout(stack, scenario.history),
            )
            try:
                _take(world, steps)
                judged = scenario.finish()
            finally:
                world.driver.close()
                probes.close()
        finally:
            scenario.close()
        self._run.release_stack(name)
        problems = [
            f"{id}: {verdict.summary} {verdict.observed}"
            for id, verdict in judged.verdicts.items()
            if verdict.status is Status.VIOLATED
        ]
        undecided = [
            id
            for id, verdict in judged.verdicts.items()
            if verdict.status is Status.INCONCLUSIVE
        ]
        problems += self._run.notes[replaced:]
        return Walked(problems, scenario.folder, undecided)


def _take(world: _World, steps: Sequence[Step]) -> None:
    for step in steps:
        job = world.jobs[step.job % len(world.jobs)] if world.jobs else ""
        if step.do in OF_A_JOB and not job:
            continue
        world.history.record("harness", "step", job or None, do=str(step))
        # What is refused, or finds nobody at home, is a step like any other.
        with contextlib.suppress(NeverHappened, StackError):
            STEPS[step.do](world, job)
    until_s = world.history.now() + END_WITHIN_S
    for job in world.jobs:
        world.history.settle(job, within_s=max(0.0, until_s - world.history.now()))


def store(path: Path, steps: Sequence[Step]) -> None:
    """Write a walk, to be walked again."""
    lines = [{"do": step.do, "job": step.job} for step in steps]
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"schema": SCHEMA, "steps": lines}, indent=1)
    path.write_text(text + "\n", encoding="utf-8")


def stored(path: Path) -> list[Step]:
    """Return the walk that `store` wrote.

    Raises:
        TargetError: the file is no walk, or has a step that is not known.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA:
            raise TargetError(
                f"{path} has schema {content['schema']}, known is {SCHEMA}. Walk anew."
            )
        steps = [Step(str(one["do"]), int(one["job"])) for one in content["steps"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TargetError(
            f"{path} is no stored walk: {error!r}. `queueproof walk` writes them."
        ) from error
    for step in steps:
        if step.do not in STEPS:
            raise TargetError(
                f"{path} has an unknown step {step.do!r}. Known: {', '.join(STEPS)}."
            )
    return steps
