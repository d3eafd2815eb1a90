"""A deployment goes on: the API leaves, and comes back configured differently.

Its jobs are not waited for, as in real deployments: what becomes of them is the
question. The stack remembers how the part is described, until it is so again.
"""

import signal
from collections.abc import Mapping
from dataclasses import replace

from harness.engines import Process
from harness.errors import NotApplicable
from harness.faults import terminate
from harness.recorder import Recorder
from harness.stack import Stack
from harness.wait import wait_until

_ROLE = "api"

#: Seconds the old process may take to leave: open requests, then jobs of its own.
LEAVES_WITHIN_S = 30.0

#: Seconds until the new one answers; it imports what the application needs.
BACK_WITHIN_S = 60.0


class Rollout:
    """Deploys the API of a running stack anew."""

    def __init__(self, stack: Stack, history: Recorder) -> None:
        self._stack, self._history = stack, history

    def run_locally(self, env: Mapping[str, str] | None = None) -> None:
        """Deploy the API so that it runs jobs itself while the broker is away.

        Nothing happens where it does that already. `env` is what it is configured
        differently by besides, until it is deployed again.

        Raises:
            NotApplicable: the target has no such policy.
        """
        policies = self._stack.target.fallback
        if "run_locally" not in policies:
            raise NotApplicable(
                "it has no [fallback.run_locally]: without a broker no job of it runs"
            )
        deploy(self._stack, {**policies["run_locally"], **(env or {})})

    def leave(self) -> None:
        """Let the API get SIGTERM, and the next one begin, configured alike."""
        process = self._stack.process(_ROLE)
        terminate.main(self._stack, self._history, _ROLE, signal.SIGTERM)
        _await_another(self._stack, process)

    def flip(self, *, on: bool, env: Mapping[str, str] | None = None) -> None:
        """Deploy the API with the feature flag in this position; `env` as above.

        `stack.flip` and `stack.flipped` are its beginning and its end in the history.

        Raises:
            NotApplicable: the target describes no flag.
        """
        flag = self._stack.target.flag
        if not flag:
            raise NotApplicable("it has no [flag.on] and [flag.off] to turn it by")
        to = "on" if on else "off"
        self._history.record("stack", "flip", to=to)
        deploy(self._stack, {**flag[to], **(env or {})})
        self._history.record("stack", "flipped", to=to)


def deploy(stack: Stack, env: Mapping[str, str]) -> None:
    """End the API with SIGTERM and start it with `env` beside what the target says.

    Raises:
        TooSlow: it did not leave, or the next one is not ready.
    """
    process = stack.process(_ROLE)
    described = stack.described.setdefault(_ROLE, process.command)
    wanted = replace(described, env={**described.env, **env})
    if process.command == wanted:
        return
    # Whoever starts again what ended will find this.
    process.command = wanted
    stack.engine.signal(process.id, signal.SIGTERM)
    _await_another(stack, process)


def _await_another(stack: Stack, process: Process) -> None:
    wait_until(
        lambda: stack.process(_ROLE) is not process,
        within_s=LEAVES_WITHIN_S,
        what="the old API has left",
        on_timeout=lambda: stack.logs(_ROLE),
    )
    wait_until(
        lambda: stack.is_ready(_ROLE),
        within_s=BACK_WITHIN_S,
        what="the new API is ready",
        on_timeout=lambda: stack.logs(_ROLE),
    )
