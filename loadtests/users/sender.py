"""What all who send jobs have in common: the next one, in time, and its end.

In an open loop a user sends each job in a greenlet of its own, so a slow answer delays
no other; in a closed one it does nothing else until its job has ended.
"""

import gevent
from locust import User, task
from locust.exception import StopUser

from loadtests.arrivals import Planned
from loadtests.users.run import Run, run_of


class Sender(User):
    """Sends its process's share of the load, together with others of its kind."""

    abstract = True

    def on_start(self) -> None:
        """Join the run."""
        run = run_of(self.environment)
        if run is None:  # refused; the log says why
            raise StopUser
        self.run_of_load: Run = run
        self.join(run)

    def join(self, run: Run) -> None:
        """Open what sending needs; `run.at_close` closes it."""

    def one(self, run: Run, planned: Planned, due: float) -> float:
        """See one job through; return seconds to stay away for after it."""
        raise NotImplementedError

    @task
    def send(self) -> None:
        """Send until nothing is left, wait for all of it, and leave."""
        run, sent = self.run_of_load, []
        while (following := run.next()) is not None:
            job = run.spawn(self.one, run, *following)
            if run.load.rate is None:
                job.join()
                run.stopping.wait(job.value or 0.0)
            else:
                sent.append(job)
        gevent.joinall(sent)
        raise StopUser
