"""A user who submits nothing: it joins the jobs of others, late, as a second tab does.

Each has a connection of its own. It is sent what it missed, so it must see the one
ending of every job that it joins.
"""

import random
import time

from locust import User, task
from locust.exception import StopUser

from loadtests.users.run import Run, run_of
from loadtests.users.watching import Rooms

#: Seconds between two looks for a job that runs.
LOOK_S = 0.1


class Watcher(User):
    """Watches one job after the other, of those that its process sends."""

    def on_start(self) -> None:
        """Connect."""
        run = run_of(self.environment)
        if run is None:  # refused; the log says why
            raise StopUser
        self.run_of_load = run
        self._joined: set[str] = set()
        self.rooms = Rooms(run.load)
        self.rooms.open()
        run.at_close(self.rooms.close)

    @task
    def watch(self) -> None:
        """Watch until nothing is sent any more, and leave."""
        run = self.run_of_load
        while not run.over:
            others = run.open - self._joined
            if others:
                self._one(run, random.choice(list(others)))
            else:
                run.stopping.wait(LOOK_S)
        raise StopUser

    def _one(self, run: Run, job_id: str) -> None:
        self._joined.add(job_id)
        joined = time.time()
        seen = self.rooms.follow(job_id)
        run.wait(seen.over, run.deadline)
        self.rooms.leave(job_id)
        if seen.arrived is not None:
            run.watched("watchers who saw an ending")
            run.show("to watcher", seen.arrived - max(joined, seen.told_at or joined))
        elif not run.stopping.is_set():
            run.watched("watchers who saw none")
            run.show("to watcher", 0.0, wrong="a watcher saw no ending")
