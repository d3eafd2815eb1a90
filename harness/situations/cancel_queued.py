"""A job that is cancelled before its turn comes."""

import contextlib

from harness.agent import Agent
from harness.driver import Driver
from harness.errors import NotApplicable, TooSlow
from harness.faults import Faults
from harness.history import History
from harness.occupied import hold, room
from harness.situations import situation
from harness.stack import Stack
from harness.target import Target
from harness.wait import wait_until

CONTRACT = "cancel.queued-never-starts"


@situation(CONTRACT, takes_s=1)
def revoked(agent: Agent, target: Target, history: History) -> None:
    """Revoke a task that waits behind a running one, then let the queue move on."""
    _needs_no_api(target)
    running, waiting = _wait_behind(agent, target, history)
    agent.revoke(waiting)
    _is_known(agent, waiting)
    later = agent.probe("sleep", queue=target.queues[0])
    _release(agent, running)
    history.settle(later, within_s=20)


@situation(CONTRACT, takes_s=8)
def revoked_before_a_restart(
    agent: Agent, target: Target, stack: Stack, faults: Faults, history: History
) -> None:
    """Revoke a waiting task; the worker is deployed anew before the task's turn."""
    _needs_no_api(target)
    words = target.commands["worker"].split()
    if not any(word == "-S" or word.startswith("--statedb") for word in words):
        raise NotApplicable(
            "its revokes are in the memory of its workers, and a restart forgets them: "
            "start them with --statedb, or keep a mark of your own"
        )
    running, waiting = _wait_behind(agent, target, history)
    agent.revoke(waiting)
    _is_known(agent, waiting)
    later = agent.probe("sleep", queue=target.queues[0])
    faults.terminate("worker")
    _is_deaf(agent)
    _release(agent, running)
    history.settle(later, within_s=60)


@situation(CONTRACT)
def cancelled_before_a_restart(
    agent: Agent, target: Target, stack: Stack, faults: Faults, history: History
) -> None:
    """Let a user cancel a waiting job, and running ones while the worker leaves."""
    if target.api is None or not target.api.cancel or not target.jobs:
        raise NotApplicable("it has no API through which a user could cancel a job")
    with contextlib.closing(Driver(target, stack.urls.api, history)) as driver:
        running = [driver.submit(target.longest_job) for _ in range(room(agent).slots)]
        began = "journal.start" if "journal" in target.provides else "ledger.start"
        for job in running:
            history.until(job, began, within_s=20)
        waiting = driver.submit(target.shortest_job)
        if target.socket is not None:
            driver.subscribe(waiting)
        driver.cancel(waiting)
        later = driver.submit(target.shortest_job)
        faults.terminate("worker")
        for job in running:  # a cancel that meets a worker which is about to leave
            driver.cancel(job)
        history.until(later, "start", within_s=60)
        driver.wait_for_state(later, within_s=60)
        for job in running:
            driver.status(job)


def _needs_no_api(target: Target) -> None:
    if target.api is not None and target.api.cancel and target.jobs:
        raise NotApplicable("its users cancel through its API: see the other")


def _wait_behind(
    agent: Agent, target: Target, history: History
) -> tuple[list[str], str]:
    """Return the tasks that take all slots, and the one that waits."""
    queue = target.queues[0]
    running = [hold(agent, history, queue) for _ in range(room(agent).slots)]
    return running, agent.probe("sleep", queue=queue)


def _release(agent: Agent, jobs: list[str]) -> None:
    for job in jobs:
        agent.release(job)


def _is_known(agent: Agent, job: str) -> None:
    """Give a worker that can hear it the time to; another is judged as it is."""
    with contextlib.suppress(TooSlow):
        wait_until(
            lambda: job in str(agent.inspect("revoked", timeout_s=0.5)),
            within_s=3,
            what="the worker knows of the revoke",
        )


def _is_deaf(agent: Agent) -> None:
    """Wait until the worker that leaves takes nothing any more, or has left already."""
    with contextlib.suppress(TooSlow):
        wait_until(
            lambda: not agent.workers(timeout_s=0.5),
            within_s=5,
            what="the worker consumes no more",
        )
