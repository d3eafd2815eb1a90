import threading

from harness.heartbeat import Heartbeat
from harness.history import History
from harness.wait import wait_until


def test_the_first_and_the_last_beat_are_recorded():
    history = History()
    beat = Heartbeat(history)
    beat.start()
    beat.stop()
    first, last = history.of(kind="heartbeat")
    assert first["gap_s"] == 0.0
    assert last.t >= first.t


def test_a_beat_that_came_late_tells_how_late():
    history = History()
    beat = Heartbeat(history)
    beat._stop = _LateOnce(0.4)
    beat.start()
    wait_until(
        lambda: any(o["gap_s"] > 0.25 for o in history.of(kind="heartbeat")),
        within_s=10,
        what="a late beat",
    )
    beat.stop()


class _LateOnce(threading.Event):
    """An event whose first wait takes longer than asked for."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def wait(self, timeout=None):
        timeout, self._seconds = self._seconds or timeout, 0.0
        return super().wait(timeout)
