"""A part ends and comes back, as in a deployment or after a crash."""

import contextlib
import signal

import httpx

from harness.errors import TooSlow
from harness.faults.record import Victim, injected, main_of
from harness.recorder import Recorder
from harness.stack import Stack
from harness.wait import wait_until

_FAULT = "api_restart"

#: Seconds a graceful end may take; open event streams are waited for by some servers.
BACK_WITHIN_S = 60.0

#: Seconds an answer may take before it counts as none.
ANSWER_WITHIN_S = 1.0


def api(stack: Stack, history: Recorder, *, graceful: bool) -> Victim | None:
    """End the API by SIGTERM or SIGKILL; the supervisor starts it; wait until it is up.

    Proof is that nothing answered in between, and that another process does now.
    """
    victim = main_of(stack, "api")
    out: list[str] = []

    def is_back() -> bool:
        why = _unanswered(stack.urls.api)
        out.extend([why] if why else [])
        return why is None and bool(out) and _is_another(stack, victim)

    signum = signal.SIGTERM if graceful else signal.SIGKILL
    sent = victim is not None and stack.engine.signal(victim.id, signum)
    with contextlib.suppress(TooSlow):
        wait_until(
            is_back, within_s=BACK_WITHIN_S, every_s=0.005, what="the API is back"
        )
    after = main_of(stack, "api")
    back = after is not None and _unanswered(stack.urls.api) is None
    bit = sent and bool(out) and _is_another(stack, victim)
    proof = f"in between: {out[0] if out else 'always answered'}"
    proof += f"; pid {victim.pid if victim else '-'}, now {after.pid if after else '-'}"
    injected(history, _FAULT, victim, bit=bit, proof=proof)
    if back:
        history.record("fault", "healed", fault=_FAULT, role="api")
    return victim if bit else None


def _is_another(stack: Stack, victim: Victim | None) -> bool:
    after = main_of(stack, "api")
    return victim is not None and after is not None and after != victim


def _unanswered(url: str) -> str | None:
    """Return why nothing answers there, None where anything does."""
    try:
        httpx.get(url, timeout=ANSWER_WITHIN_S)
    except httpx.TransportError as error:
        return str(error) or type(error).__name__
    return None
