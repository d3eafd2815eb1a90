"""A part ends and comes back, as in a deployment or after a crash."""

import contextlib
import signal

import httpx

from harness import plain_http
from harness.errors import TooSlow
from harness.faults.record import Victim, injected, main_of
from harness.probes.processes import is_gone
from harness.recorder import Recorder
from harness.stack import Stack
from harness.wait import wait_until

_FAULT = "api_restart"

#: Seconds an end may take: a server asked to leave waits for open requests first.
OUT_WITHIN_S = 20.0

#: Seconds until the next process answers; it imports what the application needs.
BACK_WITHIN_S = 60.0

#: Seconds an answer may take before it counts as none.
ANSWER_WITHIN_S = 1.0


def api(stack: Stack, history: Recorder, *, graceful: bool) -> Victim | None:
    """End the API by SIGTERM or SIGKILL; the supervisor starts it; wait until it is up.

    Proof is that its process is gone and nothing answers.

    Raises:
        TooSlow: it did not come back.
    """
    victim = main_of(stack, "api")
    if victim is None:
        injected(history, _FAULT, None, bit=False, proof="api is not running")
        return None
    stack.engine.signal(victim.id, signal.SIGTERM if graceful else signal.SIGKILL)
    why: str | None = None
    with contextlib.suppress(TooSlow):
        why = wait_until(
            lambda: _unanswered(stack.urls.api),
            within_s=OUT_WITHIN_S,
            every_s=0.005,
            what="the API is out",
        )
        wait_until(
            lambda: is_gone(stack.engine, victim.id),
            within_s=OUT_WITHIN_S,
            every_s=0.005,
            what="its process is gone",
        )
    bit = why is not None and is_gone(stack.engine, victim.id)
    proof = f"pid {victim.pid} {'is gone' if bit else 'lives'}; "
    proof += f"no answer: {why}" if why else "it answers"
    injected(history, _FAULT, victim, bit=bit, proof=proof)
    if not bit:
        return None
    wait_until(
        lambda: _is_another(stack, victim) and not _unanswered(stack.urls.api),
        within_s=BACK_WITHIN_S,
        what="the API is back",
    )
    now = stack.process("api").id.pid
    history.record("fault", "healed", fault=_FAULT, role="api", pid=now)
    return victim


def _is_another(stack: Stack, victim: Victim) -> bool:
    after = main_of(stack, "api")
    return after is not None and after != victim


def _unanswered(url: str) -> str | None:
    """Return why nothing answers there, None where anything does."""
    try:
        plain_http.request("GET", url, timeout_s=ANSWER_WITHIN_S)
    except httpx.TransportError as error:
        return str(error) or type(error).__name__
    return None
