"""A flag decides about new jobs only; each job keeps the way that it was given.

Guarantee  `path` answers once per submit, and its answer is recorded with the job. Who
           runs, cancels or shows a job asks the record: flipping the flag with jobs in
           flight loses none and runs none twice. A share between 0 and 1 sends that
           part of the jobs the new way, always the same ones.
Units      share: 0 to 1 of the jobs.
Raises     ValueError: a share outside 0 to 1.
Needs      A field in the job's record, and both ways able to run until the jobs that
           name them have ended: also after the flag was turned off for good.
Breaks if  A runner asks the flag, or the flag is read when a module is imported.
Proof      contract fallback.flag-flip-loses-nothing
Source     Zero-downtime moves between task queues record the queue with the task: a
           flag asked twice gives two answers. Copy this file alone.
"""

import zlib
from dataclasses import dataclass


@dataclass(frozen=True)
class FeatureFlag:
    """Which way new jobs go.

    Args:
        on: the name of the new way, as it is recorded.
        off: the name of the old way.
        share: of the jobs, that go the new way.
    """

    on: str
    off: str
    share: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"`share` is {self.share:g}; it must be from 0 to 1")

    def path(self, about: str = "") -> str:
        """Return the way of a new job; record it.

        Args:
            about: what decides where the share is neither 0 nor 1: a user's id, say,
                so that a user's jobs all go the same way.
        """
        place = zlib.crc32(about.encode()) / 2**32
        return self.on if place < self.share else self.off
