"""Watches a history on, as long as that can still decide a law."""

import math
from collections.abc import Callable, Iterable

from harness.history import History
from harness.verdict import Status, Verdict

#: Seconds a test may be watched after its body, so that laws can decide: the longest
#: bound (20 s after a lost worker) and the time a job has left until its hard limit.
WATCH_ON_S = 60.0

#: Seconds past the time a law asked for, because "until" is not "after".
WATCH_MARGIN_S = 0.01


def watch_until_decided(
    history: History, judged: Callable[[], Iterable[Verdict]]
) -> None:
    """Watch until every verdict is as good as watching makes it, `WATCH_ON_S` at most.

    `judged` judges the history as it is by now.
    """
    history.look()
    give_up_t = history.now() + WATCH_ON_S
    while history.now() < give_up_t:
        until_t = max((_decided_t(verdict) for verdict in judged()), default=0.0)
        if until_t <= history.now():
            return
        history.watch_on(min(until_t, give_up_t))


def _decided_t(verdict: Verdict) -> float:
    """Return until when watching on would decide this verdict, 0 where it is."""
    if verdict.status is not Status.INCONCLUSIVE or verdict.due_t is None:
        return 0.0
    # An outage that never ended has no end to wait for.
    return verdict.due_t + WATCH_MARGIN_S if math.isfinite(verdict.due_t) else 0.0
