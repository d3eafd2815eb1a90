"""Messages that a worker holds for as long as it legally may.

Nobody waits an hour: the message's delivery is moved back by what is legal, on the
application's own configuration, and a second worker starts, as at every deployment; a
worker that starts looks for messages older than the visibility timeout. The tasks are
ours, so what an application does against a second execution inside its own task
functions is not seen, unless its Task class refuses before the function begins.
"""

import contextlib
import math
from typing import Any

from harness.agent import Agent
from harness.errors import NeverHappened, NotApplicable, TooSlow
from harness.faults import Faults
from harness.history import History
from harness.observation import same_process
from harness.occupied import hold, room
from harness.probes import Probes
from harness.situations import situation
from harness.stack import Stack
from harness.target import Target
from harness.wait import wait_until

#: Seconds until somebody has looked for old messages: it is the first thing a worker
#: does once it is connected, and it is ready after that.
SWEPT_WITHIN_S = 20.0

#: Seconds until a message that was put back is executed where a slot is free.
COPY_WITHIN_S = 1.0

#: Seconds until a message that a worker reserves is reserved; typically 0.01.
RESERVED_WITHIN_S = 1.0


@situation("delivery.long-job-runs-once", takes_s=5)
def as_long_as_it_may(
    agent: Agent, target: Target, stack: Stack, faults: Faults, history: History
) -> None:
    """Start a second worker when a late-ack task has run for as long as it may."""
    described = agent.describe()
    late = {n: t for n, t in described["tasks"].items() if t["acks_late"]}
    if not late:
        raise NotApplicable(
            "no task of the application acknowledges late, so the message of a running "
            "one is gone and cannot come back"
        )
    job = hold(agent, history, target.queues[0], late=True)
    to_s, why = _legal_age(described, late, target, jobs=1)
    with faults.aged(job, to_s=to_s, reason=why), stack.replica("worker"):
        history.until(job, "probe.swept", within_s=SWEPT_WITHIN_S)
        _let_a_copy_begin(history, job)
        agent.release(job)
        history.settle(job, within_s=10)


@situation("delivery.reserved-runs-once", takes_s=4)
def reserved_behind_a_running_one(
    agent: Agent,
    target: Target,
    stack: Stack,
    faults: Faults,
    probes: Probes,
    history: History,
) -> None:
    """Start a second worker when a reserved message has waited for as long as it may.

    A worker that reserves nothing leaves the message in the broker: then nothing grows
    old, and it is only seen to be executed once.
    """
    described = agent.describe()
    queue, has = target.queues[0], room(agent)
    running = [hold(agent, history, queue) for _ in range(has.slots)]
    waiting = agent.probe("sleep", queue=queue)
    if _is_reserved(probes, waiting):
        jobs = has.messages / has.slots if has.messages else math.inf
        to_s, why = _legal_age(described, described["tasks"], target, jobs=jobs)
        with faults.aged(waiting, to_s=to_s, reason=why), stack.replica("worker"):
            history.until(waiting, "probe.swept", within_s=SWEPT_WITHIN_S)
            _finish(agent, history, [*running, waiting])
    else:
        _finish(agent, history, [*running, waiting])


def _let_a_copy_begin(history: History, job: str) -> None:
    """Give a copy of a running job's message the time to be executed beside it."""
    first = history.job(job).runs[0].start
    with contextlib.suppress(NeverHappened):
        history.until(
            job,
            "ledger.start",
            within_s=COPY_WITHIN_S,
            where=lambda start: not same_process(start, first),
        )


def _finish(agent: Agent, history: History, jobs: list[str]) -> None:
    for job in jobs:
        agent.release(job)
    for job in jobs:
        history.settle(job, within_s=20)


def _is_reserved(probes: Probes, job: str) -> bool:
    try:
        wait_until(
            lambda: probes.held(job),
            within_s=RESERVED_WITHIN_S,
            every_s=0.05,
            what="it is reserved",
        )
    except TooSlow:
        return False
    return True


def _legal_age(
    described: dict[str, Any], tasks: dict[str, Any], target: Target, *, jobs: float
) -> tuple[float, str]:
    """Return how long a message may be held while `jobs` of these run, and why.

    What nothing limits may take longer than any visibility timeout.
    """
    of_jobs = max((job.hard_s or 0.0 for job in target.jobs.values()), default=0.0)
    limits = [float(task["hard_s"] or of_jobs) for task in tasks.values()]
    timeout_s = float(described["visibility_timeout_s"])
    if math.isinf(jobs) or not all(limits):
        none = "no limit of prefetch" if math.isinf(jobs) else "no hard time limit"
        return timeout_s + 1, f"{none}, so longer than the timeout of {timeout_s:g} s"
    longest_s = max(limits)
    told = f"{jobs:g} x the hard limit" if jobs != 1 else "the hard limit"
    return jobs * longest_s, f"{told} of {longest_s:g} s; timeout {timeout_s:g} s"
