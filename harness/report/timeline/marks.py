"""What kind of mark an observation is, and the few words beside it."""

from harness.history import Observation
from harness.job_view import TERMINAL

#: The kinds of marks; the page draws and filters by them.
KINDS = (
    *("request", "progress", "ending", "execution"),
    *("fault", "process", "probe", "harness"),
)

_BY_SOURCE = {
    "send": "request",
    "driver": "request",
    "ledger": "execution",
    "journal": "execution",
    "fault": "fault",
    "stack": "process",
    "harness": "harness",
}

#: What tells most about an observation, by its name or by its source.
_TELLING = {
    "driver.submitted": ("job_kind",),
    "driver.subscribed": (),
    "driver.status": ("state", "reason"),
    "driver.cancel": ("answer",),
    "send.accepted": ("task",),
    "fault": ("fault",),
    "ledger": ("how", "name"),
    "journal": ("how", "name"),
    "harness": ("name", "gap_s", "text"),
    "harness.heartbeat": (),
    "stack": ("code",),
    "probe.gone": (),
    "probe": ("role", "depth", "mib"),
}

#: Letters of a label; the whole observation is a hover away.
LABEL_LETTERS = 44


def kind_of(o: Observation) -> str:
    """Return one of `KINDS`."""
    if o.name == "driver.event":
        return "ending" if o.get("event") in TERMINAL else "progress"
    if o.name == "probe.gone":
        return "process"
    return _BY_SOURCE.get(o.source, "probe")


def label_of(o: Observation) -> str:
    """Return a few words, such as `failed: lost` or `40 %`."""
    if o.name == "driver.event":
        text = _event(o)
    else:
        keys = _TELLING.get(o.name, _TELLING.get(o.source, ()))
        told = [str(o.get(key)) for key in keys if o.get(key) is not None]
        verb = {"injected": "", "mark": "", "gone": "process gone"}.get(o.kind, o.kind)
        victim = o.get("victim")
        if isinstance(victim, dict):
            told.append(str(victim.get("role")))
        text = " ".join(part for part in (verb, *told) if part)
    return text if len(text) <= LABEL_LETTERS else text[: LABEL_LETTERS - 1] + "…"


def _event(o: Observation) -> str:
    event, percent, reason = o.get("event"), o.get("percent"), o.get("reason")
    if event in TERMINAL:
        return f"{event}: {reason}" if reason else str(event)
    if event == "progress" and isinstance(percent, int | float):
        return f"{percent:.3g} %"
    return str(event)
