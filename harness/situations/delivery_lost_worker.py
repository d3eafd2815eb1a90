"""A worker that is gone, all of it, without a word."""

import contextlib

from harness.agent import Agent
from harness.driver import Driver
from harness.errors import NeverHappened, NotApplicable, TooSlow
from harness.faults import Faults
from harness.history import History
from harness.situations import situation
from harness.stack import Stack
from harness.target import Target
from harness.wait import wait_until

CONTRACT = "delivery.lost-worker-is-noticed"

#: Seconds past the bound, because "until" is not "after".
MARGIN_S = 0.2


@situation(CONTRACT, takes_s=14)
def worker_is_killed(
    agent: Agent, target: Target, faults: Faults, history: History
) -> None:
    """SIGKILL the worker while a task runs, then keep asking the result store."""
    if target.api is not None and target.jobs:
        raise NotApplicable("its users ask its API what became of a job: see the other")
    job = agent.probe("sleep", seconds=3, queue=target.queues[0])
    history.until(job, "ledger.start", within_s=20)
    faults.kill_main("worker")

    def noticed() -> bool:
        state = agent.state(job)["state"]
        history.look()
        return state in ("FAILURE", "REVOKED") or len(history.job(job).runs) > 1

    with contextlib.suppress(TooSlow):
        within_s = _bound_s(history) + MARGIN_S
        wait_until(noticed, within_s=within_s, every_s=0.05, what="it is noticed")
        history.settle(job, within_s=10)


@situation(CONTRACT)
def worker_of_a_users_job_is_killed(
    target: Target, stack: Stack, faults: Faults, history: History
) -> None:
    """SIGKILL the worker while a user's job runs, and let the user watch and ask."""
    if target.api is None or not target.jobs:
        raise NotApplicable("it has no API through which a user could submit a job")
    with contextlib.closing(Driver(target, stack.urls.api, history)) as driver:
        job = driver.submit(target.longest_job)
        if target.socket is not None:
            driver.subscribe(job)
        journals = "journal" in target.provides
        began = "journal.start" if journals else "ledger.start"
        history.until(job, began, within_s=20)
        faults.kill_main("worker")
        with contextlib.suppress(NeverHappened):
            within_s = _bound_s(history) + MARGIN_S
            driver.wait_for_state(job, "failed", "cancelled", within_s=within_s)
            history.settle(job, within_s=5)


def _bound_s(history: History) -> float:
    return float(history.run["bounds"][CONTRACT]["t_rec_s"])
