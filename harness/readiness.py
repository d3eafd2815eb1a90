"""When a part of a stack is ready to be used, and what to say when it never is."""

from typing import TYPE_CHECKING

import httpx

from harness.engines import ProcessId
from harness.errors import StackError
from harness.probes.redis import why_down
from harness.wait import wait_until

if TYPE_CHECKING:
    from harness.stack import Stack

#: Seconds until a part must be ready. A worker that imports torch, its files not in the
#: cache, on two busy cores took 12 s; five times that is a failure, not a slow day.
READY_WITHIN_S = 60.0


def await_ready(stack: "Stack", role: str, *, restarted: bool) -> None:
    """Wait until a part is ready; `restarted` says that somebody starts it again.

    Raises:
        StackError: it ended before, and nobody will start it again; shows its log.
        TooSlow: it was not ready in time; shows its log.
    """

    def alive_and_ready() -> bool:
        code = stack.process(role).exit_code()
        if code is not None and not restarted:
            raise StackError(
                f"{role} ended with code {code} before it was ready.\n"
                + stack.logs(role)
            )
        return is_ready(stack, role)

    wait_until(
        alive_and_ready,
        within_s=READY_WITHIN_S,
        what=f"{role} is ready",
        on_timeout=lambda: stack.logs(role),
    )


def is_ready(stack: "Stack", role: str) -> bool:
    """Whether a part can be used now; what serves nothing is, as soon as it runs."""
    if role == "redis":
        return why_down(stack.urls.broker) is None
    if role == "api":
        return _api_is_healthy(stack)
    if role == "worker" or role.startswith("probe-"):
        return _worker_is_ready(stack, role)
    return True


def _api_is_healthy(stack: "Stack") -> bool:
    if stack.target.api is None:
        return True
    method, _, route = stack.target.api.health.partition(" ")
    try:
        answer = httpx.request(method, stack.urls.api + route, timeout=2)
    except httpx.TransportError:
        return False
    return answer.status_code == 200


def _worker_is_ready(stack: "Stack", role: str) -> bool:
    # A start script may stand between us and the worker, so look at the whole tree.
    tree = {info.id for info in stack.engine.tree(stack.process(role))}
    if stack.witness:
        return bool(tree & stack.executions.ready_workers())
    return bool(_pids(tree) & set(stack.agent.workers(timeout_s=0.5).values()))


def _pids(tree: set[ProcessId]) -> set[int]:
    return {id.pid for id in tree}
