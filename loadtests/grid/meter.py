"""Processor time: of the machine, less our own, and of Redis."""

import os
import time
from dataclasses import dataclass

import psutil
import redis


@dataclass(frozen=True)
class Used:
    """What was used between two looks.

    Args:
        cpu_s: processor seconds of everybody but us.
        broker_cpu_s: of these, Redis's.
        busy: the part of all processors that anybody used, 0 to 1.
    """

    cpu_s: float
    broker_cpu_s: float
    busy: float


class Meter:
    """Measures from when it is made; other work on the machine shows in `busy`."""

    def __init__(self, broker_url: str) -> None:
        self._redis = redis.Redis.from_url(broker_url)
        self._began = self._look()

    def read(self) -> Used:
        """Return what was used since then; once."""
        now, then = self._look(), self._began
        self._redis.close()
        busy_s, own_s, broker_s, wall_s = (
            b - a for a, b in zip(then, now, strict=True)
        )
        return Used(
            cpu_s=max(0.0, busy_s - own_s),
            broker_cpu_s=broker_s,
            busy=min(1.0, busy_s / (wall_s * (os.cpu_count() or 1))),
        )

    def _look(self) -> tuple[float, float, float, float]:
        times = psutil.cpu_times()
        busy_s = sum(times) - times.idle - getattr(times, "iowait", 0.0)
        # Linux counts what guests use twice.
        busy_s -= getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
        own = psutil.Process().cpu_times()
        info = self._redis.info("cpu")
        broker_s = info["used_cpu_user"] + info["used_cpu_sys"]
        return busy_s, own.user + own.system, broker_s, time.monotonic()
