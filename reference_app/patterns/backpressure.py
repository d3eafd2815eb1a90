"""Above a declared backlog new work is refused at once, with when to come again.

Guarantee  While `most` or more jobs wait, `check` raises, whoever asks: what waits has
           an end. Of submits at the same instant as many more may pass as there are.
Units      most: jobs that wait. retry_after_s: seconds.
Raises     Full, with `retry_after_s` for the answer's Retry-After: 429 where the client
           sends too much, 503 where the service is short. Errors of `waiting` pass.
Needs      A count of what waits that does not need the broker: it is asked for when
           that is away, too. The rows of pending jobs, say.
Breaks if  The count includes what runs, or jobs wait that nobody will ever take.
Proof      contract capacity.next-job-starts-promptly
Source     RFC 6585 section 4 (429) and RFC 9110 section 10.2.3 (Retry-After). Celery
           #2874: `.delay()` never says no, and Redis fills up. Copy this file alone.
"""

from collections.abc import Callable


class Full(Exception):
    """Too many jobs wait already; nothing was taken."""

    def __init__(self, waiting: int, most: int, retry_after_s: int) -> None:
        super().__init__(
            f"{waiting} jobs wait already, and {most} may; come again in "
            f"{retry_after_s} s."
        )
        self.waiting, self.retry_after_s = waiting, retry_after_s


class Backlog:
    """How much waits in one queue, and how much may."""

    def __init__(
        self, waiting: Callable[[], int], *, most: int, retry_after_s: int = 5
    ) -> None:
        if most < 1:
            raise ValueError(f"`most` is {most}: then nothing is ever taken; give >= 1")
        self._waiting, self._most = waiting, most
        self._retry_after_s = retry_after_s

    def check(self) -> None:
        """Return if one more job may wait.

        The time to come again grows with how much too much there is, up to 10 times.
        """
        waiting = self._waiting()
        if waiting < self._most:
            return
        times = min(10.0, waiting / self._most)
        retry_after_s = max(1, round(self._retry_after_s * times))
        raise Full(waiting, self._most, retry_after_s)
