"""What a test left behind in a kept stack, so that the next one must not use it.

Fit for the next test is a stack in which every part runs, no execution is open, and no
message waits or is unacknowledged, neither in the application's queues nor in those of
the probe workers.
"""

from typing import TYPE_CHECKING

from harness.probes.queue import depths
from harness.probes.redis import why_down

if TYPE_CHECKING:
    from harness.stack import Stack


def leftovers(stack: "Stack") -> list[str]:
    """Return why the stack is not fit for the next test; empty where it is."""
    reasons = [f"{role} is not running" for role in stack.dead()]
    reasons += [
        f"job {job} still runs"
        for job in stack.executions.open_jobs()
        if stack.pid_of_child(job) is not None
    ]
    refused = why_down(stack.urls.broker)
    if refused is not None:
        return [*reasons, f"redis does not answer: {refused}"]
    waiting, unacked = depths(
        stack.urls.broker, stack.queues(), key_prefix=stack.key_prefix
    )
    reasons += [f"{n} messages wait in {queue}" for queue, n in waiting.items() if n]
    if unacked:
        reasons.append(f"{unacked} messages are not acknowledged")
    return reasons
