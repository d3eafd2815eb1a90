"""A message that a worker holds until its time has come.

Nobody waits for minutes: the countdown is short, and its delivery is moved back by the
longest one of the application, on its own configuration. A second worker starts, as at
every deployment, and looks for messages older than the visibility timeout.
"""

import contextlib

from harness.agent import Agent
from harness.errors import NeverHappened, NotApplicable, TooSlow
from harness.faults import Faults
from harness.history import History
from harness.observation import same_process
from harness.probes import Probes
from harness.situations import situation
from harness.stack import Stack
from harness.target import Target
from harness.wait import wait_until

#: Seconds the message waits, at least: longer than a second worker takes to start.
COUNTDOWN_S = 6.0

#: Seconds until a worker holds it; typically 0.01.
HELD_WITHIN_S = 3.0

#: Seconds until somebody has looked for old messages, which a new worker does first.
SWEPT_WITHIN_S = 20.0

#: Seconds until a copy is executed where it is not the only one; both have one time.
COPY_WITHIN_S = 1.0


@situation("retry.long-wait-runs-once", takes_s=8)
def waits_for_its_time(
    agent: Agent,
    target: Target,
    stack: Stack,
    faults: Faults,
    probes: Probes,
    history: History,
) -> None:
    """Start a second worker while a message has waited for as long as one may."""
    if not target.longest_countdown_s:
        raise NotApplicable(
            "nobody says how long its messages wait for an ETA, a countdown or a "
            "retry: describe longest_countdown_s"
        )
    timeout_s = float(agent.describe()["visibility_timeout_s"])
    why = f"the longest countdown; timeout {timeout_s:g} s"
    queue = target.queues[0]
    countdown_s = max(COUNTDOWN_S, 2 * stack.start_s.get("worker", 0.0))
    job = agent.send("queueproof.sleep", queue=queue, countdown=countdown_s)
    with contextlib.suppress(TooSlow):  # then the fault hits nothing, and says so
        wait_until(lambda: probes.held(job), within_s=HELD_WITHIN_S, what="it is held")
    aged = faults.aged(job, to_s=target.longest_countdown_s, reason=why)
    with aged, stack.replica("worker"):
        history.until(job, "probe.swept", within_s=countdown_s + SWEPT_WITHIN_S)
        first = history.until(job, "ledger.start", within_s=countdown_s + 10)
        with contextlib.suppress(NeverHappened):
            history.until(
                job,
                "ledger.start",
                within_s=COPY_WITHIN_S,
                where=lambda start: not same_process(start, first),
            )
        history.settle(job, within_s=10)
