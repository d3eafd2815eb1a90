"""The harness's own pulse, so that a stalled machine is not taken for a slow app."""

import threading
import time

from harness.history import History

#: Seconds between two beats.
EVERY_S = 0.05

#: A beat this much late is written down; below it the scheduler's usual noise.
LATE_S = 0.2


class Heartbeat:
    """Beats while a test runs; records the first, the last and every late beat."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._beat, name="queueproof-heartbeat", daemon=True
        )

    def start(self) -> None:
        """Record the first beat and go on beating in the background."""
        self._history.record("harness", "heartbeat", gap_s=0.0)
        self._thread.start()

    def stop(self) -> None:
        """Record the last beat and end the thread."""
        self._stop.set()
        self._thread.join(timeout=5.0)

    def _beat(self) -> None:
        last = time.monotonic()
        stopped = False
        while not stopped:
            stopped = self._stop.wait(EVERY_S)
            now = time.monotonic()
            gap_s, last = now - last, now
            if stopped or gap_s > EVERY_S + LATE_S:
                self._history.record("harness", "heartbeat", gap_s=round(gap_s, 4))
