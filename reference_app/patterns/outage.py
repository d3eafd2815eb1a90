"""Time limits and cancels hold while the broker is away, and then work goes on.

Guarantee  While the worker tries to reach the broker again, its timers go on, about
           once a second: soft and hard limits, recycling, whatever was registered
           on its event loop before. An acknowledgement that is not answered makes it
           connect anew; its message may come a second time.
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
           after 7.3 s. kombu 5.7.0 message.py, ack_log_error: what is not acknowledged
           is logged, and counts as held for ever. Measured: Redis frozen for 4.5 s
           during an acknowledgement, socket_timeout 2 s, prefetch 1: the worker never
           took another message. Copy this file alone.
"""

from typing import Any

import celery
from celery import Celery, bootsteps
from celery.concurrency import prefork
from celery.worker.consumer import consumer

#: Celery versions (major, minor) on which this was measured.
KNOWN_VERSIONS = frozenset({(5, 7)})


class UnknownCelery(RuntimeError):
    """Nobody has measured this Celery; measure, then add it or drop this file."""

    def __init__(self, version: tuple[int, int]) -> None:
        super().__init__(f"Celery {version[0]}.{version[1]}: {self.__doc__}")


def install(app: Celery) -> None:
    """Let `app`'s worker outlive an outage: see above."""
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

    class LostAcknowledgements(bootsteps.StartStopStep):  # type: ignore[misc]
        """Lets through what Celery's consumer connects anew after."""

        def start(self, worker: Any) -> None:
            prefork.Message.ack_log_error = ack_log_error
            prefork.Message.reject_log_error = reject_log_error

    app.steps["worker"].add(TimersGoOn)
    app.steps["worker"].add(LostAcknowledgements)


# Celery knows them by these names when it shuts down.
def ack_log_error(
    self: Any,
    logger: Any,
    errors: tuple[type[Exception], ...],
    multiple: bool = False,
) -> None:
    """Acknowledge; raise one of `errors` where nobody answers."""
    try:
        self.ack(multiple=multiple)
    except errors as error:
        logger.critical("Couldn't ack %r: %r", self.delivery_tag, error)
        raise


def reject_log_error(
    self: Any,
    logger: Any,
    errors: tuple[type[Exception], ...],
    requeue: bool = False,
) -> None:
    """Reject; raise one of `errors` where nobody answers."""
    try:
        self.reject(requeue=requeue)
    except errors as error:
        logger.critical("Couldn't reject %r: %r", self.delivery_tag, error)
        raise
