"""Time limits and cancels hold while the broker is away, too.

Guarantee  While the worker tries to reach the broker again, its timers go on, about
           once a second: soft and hard limits, recycling, whatever was registered
           on its event loop before.
Units      None.
Raises     UnknownCelery, at install, on a version nobody has measured.
Needs      Celery 5.7, prefork with an event loop. Start the worker with
           `--without-heartbeat`: sending a heartbeat blocks in a loop of its own.
Breaks if  A frozen broker takes no connection: each try then lasts as long as
           `socket_connect_timeout`.
Proof      contract time_limit.hard-limit-kills
Source     celery 5.7.0 worker/consumer/consumer.py, ensure_connected: the event loop
           stands still, only `maybe_shutdown` is called. Measured: with Redis away for
           13 s a hard limit of 7 s killed a child 22 s after its start; with this file
           after 7.3 s. Copy this file alone.
"""

from typing import Any

import celery
from celery import Celery, bootsteps
from celery.worker.consumer import consumer

#: Celery versions (major, minor) on which this was measured.
KNOWN_VERSIONS = frozenset({(5, 7)})


class UnknownCelery(RuntimeError):
    """Nobody has measured this Celery; measure, then add it or drop this file."""

    def __init__(self, version: tuple[int, int]) -> None:
        super().__init__(f"Celery {version[0]}.{version[1]}: {self.__doc__}")


def install(app: Celery) -> None:
    """Let the timers of `app`'s worker go on while it reconnects."""
    version = (celery.VERSION.major, celery.VERSION.minor)
    if version not in KNOWN_VERSIONS:
        raise UnknownCelery(version)

    class TimersGoOn(bootsteps.StartStopStep):  # type: ignore[misc]
        """Fires the timers of the worker's event loop where the consumer waits."""

        requires = ("celery.worker.components:Hub",)

        def start(self, worker: Any) -> None:
            if worker.hub is None:
                return
            shut_down_if_asked = consumer.maybe_shutdown

            def between_two_tries() -> None:
                shut_down_if_asked()
                worker.hub.fire_timers()

            consumer.maybe_shutdown = between_two_tries

    app.steps["worker"].add(TimersGoOn)
