"""When a part of a stack is ready to be used, and what to say when it never is."""

import shlex
from typing import TYPE_CHECKING

import httpx

from harness import plain_http
from harness.engines import ProcessId
from harness.errors import NotStarted
from harness.outside import raise_refused
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
        NotStarted: it ended before, and nobody will start it again; shows its log.
        OutsideStack: while the stack starts, it tried to reach what is not the stack's.
        TooSlow: it was not ready in time; shows its log.
    """

    def alive_and_ready() -> bool:
        code = stack.process(role).exit_code()
        if code is not None and not restarted:
            raise NotStarted(
                f"{role} ended with code {code} before it was ready. Its command: "
                f"{shlex.join(stack.process(role).command.argv)}\n{stack.logs(role)}"
            )
        if not stack.started:
            raise_refused(stack.executions.refused())
        return is_ready(stack, role)

    wait_until(
        alive_and_ready,
        within_s=READY_WITHIN_S,
        what=f"{role} is ready",
        on_timeout=lambda: stack.logs(role),
    )


def is_ready(stack: "Stack", role: str) -> bool:
    """Whether a part can be used now; what serves nothing is, as soon as it runs."""
    replica = stack.replicas.get(role)
    kind = replica.role if replica else role
    if kind == "redis":
        return why_down(stack.urls.broker) is None
    if kind == "api":
        return _api_is_healthy(stack, replica.api if replica else stack.urls.api)
    if kind == "worker" or role.startswith("probe-"):
        return _worker_is_ready(stack, role)
    return True


def _api_is_healthy(stack: "Stack", url: str) -> bool:
    if stack.target.api is None:
        return True
    method, _, route = stack.target.api.health.partition(" ")
    try:
        answer = plain_http.request(method, url + route, timeout_s=2)
    except httpx.TransportError:
        return False
    return answer.status_code == 200


def _worker_is_ready(stack: "Stack", role: str) -> bool:
    if not stack.witness:
        pids = {id.pid for id in _tree(stack, role)}
        return bool(pids & set(stack.agent.workers(timeout_s=0.5).values()))
    others = {process.id for process in stack.processes() if process.role != role}
    reported = stack.executions.ready_workers() - others
    # Most looks end here. A tree reads a file of each process of the machine, and
    # looking for it fifty times a second slows down the start that we wait for.
    return bool(reported) and bool(reported & _tree(stack, role))


def _tree(stack: "Stack", role: str) -> set[ProcessId]:
    """Return its processes: a start script may stand between us and the worker."""
    return {info.id for info in stack.engine.tree(stack.process(role))}
