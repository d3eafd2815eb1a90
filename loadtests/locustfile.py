"""`locust -f loadtests/locustfile.py --host URL`: a load on an application of Celery.

    locust -f loadtests/locustfile.py --headless --host http://127.0.0.1:8000 \
        --arrivals 10/s --jobs 300 --job-class short:8,long@3:1 --report load.json

Without --headless it is locust's web page that asks for these options. Distributed,
each of locust's workers (--worker) sends its share of one sequence of jobs, which the
master (--master --expect-workers N) divides. A run ends by itself.
"""

import logging
import signal
import sys
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

import gevent
from locust import LoadTestShape, User, events
from locust.env import Environment
from locust.runners import STATE_INIT, MasterRunner, Runner, WorkerRunner

from loadtests import report, shapes
from loadtests.load import BOUNDS, Load, Refused, add_options, defaults
from loadtests.timings import Job
from loadtests.users.producer import Producer, tell_events, tell_no_events
from loadtests.users.run import CLEAN_UP_S, Run, open_run, run_of
from loadtests.users.submitter import Submitter
from loadtests.users.watcher import Watcher

log = logging.getLogger(__name__)

#: Users started per second: all at once, a shape says how many there are.
SPAWN_RATE = 100

#: Seconds from the division of the jobs until the first may be due: users start first.
LEAD_S = 1.0

events.init_command_line_parser.add_listener(add_options)


class Conductor(LoadTestShape):
    """Divides the jobs, says how many users there are, and ends the run."""

    use_common_options = True

    def __init__(self) -> None:
        super().__init__()
        #: As locust was started with; a request to its page can set any option.
        self.bounds: dict[str, Any] = {}
        self.load: Load | None = None
        self.begin, self.senders = 0.0, 0
        self.jobs: list[Job] = []
        self.watched: dict[str, int] = {}
        self._told_to_tell: list[str] = []

    def tick(self) -> tuple[int, float, list[type[User]] | None] | None:
        """Return how many users of which kind there are now; None ends the run."""
        if self.runner.state == STATE_INIT and not self._open():
            return None
        load, elapsed_s = self.load, time.time() - self.begin
        if load is None:
            return None
        run = run_of(self.runner.environment)
        if run is not None:  # not on a master
            self.take(run.take_told())
        all_left = elapsed_s > load.length_s and self.runner.user_count == 0
        latest_s = load.length_s + load.options.drain_s + CLEAN_UP_S
        if len(self.jobs) >= load.jobs or all_left or elapsed_s > latest_s:
            return None
        watchers = load.options.watchers
        if watchers and self.runner.state == STATE_INIT:
            return watchers, SPAWN_RATE, [Watcher]
        sender = Producer if load.options.through == "queue" else Submitter
        return watchers + self._senders(elapsed_s), SPAWN_RATE, [sender]

    def take(self, told: dict[str, Any]) -> None:
        """Take what a process that sends has to tell."""
        self.jobs += [Job(*row) for row in told["jobs"]]
        for word, count in told["watched"].items():
            self.watched[word] = self.watched.get(word, 0) + count

    def close(self) -> None:
        """Write and show the report, once."""
        load, self.load = self.load, None
        if load is None:
            return
        tell_no_events(load.options.broker, self._told_to_tell)
        chosen = {name: getattr(load.options, name) for name in vars(defaults())}
        del chosen["broker"]  # it may hold a password
        counted = load.options.jobs or load.rate is not None
        found = report.report(
            self.jobs,
            planned=load.jobs if counted else len(self.jobs),
            options=chosen,
            watched=self.watched,
            senders=self.senders,
        )
        environment = self.runner.environment
        if found["totals"]["unsent"] and environment.process_exit_code is None:
            environment.process_exit_code = 1
        if load.options.report:
            report.write(found, Path(load.options.report))
        report.show(found)

    def _open(self) -> bool:
        """Divide the jobs; False if there is nothing to send or nobody to send it."""
        environment = self.runner.environment
        options = environment.parsed_options
        vars(options).update(self.bounds)
        try:
            load = Load.of(options, environment.host)
            if options.through == "queue":
                self._told_to_tell = tell_events(options.broker)
        except Refused as error:
            log.error("Refused: %s", error)
            if options.headless:
                environment.process_exit_code = 2
            return False
        if isinstance(self.runner, MasterRunner):
            names = [each.id for each in self.runner.clients.ready]
        else:
            names = [self.runner.client_id]
        self.load, self.senders = load, len(names)
        self.jobs, self.watched = [], {}
        self.begin = time.time() + LEAD_S * (2 if options.watchers else 1)
        # Locust sends its options to its workers; these two come along.
        options.begin = self.begin
        options.shares = {name: index for index, name in enumerate(names)}
        return bool(names)

    def _senders(self, elapsed_s: float) -> int:
        """Return how many users send now; each process needs one for its share."""
        if self.load.rate is not None:
            return self.senders
        highest = self.runner.environment.parsed_options.num_users or 1
        place = max(0.0, elapsed_s) / self.load.length_s
        now = highest * shapes.part(self.load.options.shape, place)
        return max(self.senders, round(now))


def _interrupt() -> None:
    raise KeyboardInterrupt


@events.init.add_listener
def prepare(environment: Environment, runner: Runner, **_: object) -> None:
    """Connect master and workers; leave with exit code 2 if the load is refused."""
    # Python's own handler raises in whatever greenlet runs: the job it sends is lost.
    gevent.signal_handler(signal.SIGINT, _interrupt)

    def tell(client_id: str, data: dict[str, Any]) -> None:
        run = run_of(environment)
        if run is not None:
            data["load"] = run.take_told()

    def hear(client_id: str, data: dict[str, Any]) -> None:
        if "load" in data:
            environment.shape_class.take(data["load"])

    if isinstance(runner, WorkerRunner):
        environment.events.report_to_master.add_listener(tell)
        return  # its master sends it the options
    environment.events.worker_report.add_listener(hear)
    chosen = vars(environment.parsed_options)
    environment.shape_class.bounds = {name: chosen[name] for name in BOUNDS}
    # Locust heeds SIGTERM only after a shape's run, which would leave jobs behind.
    gevent.signal_handler(signal.SIGTERM, runner.quit)
    if environment.parsed_options.headless:
        try:
            Load.of(environment.parsed_options, environment.host)
        except Refused as error:
            print(f"Refused: {error}", file=sys.stderr)
            sys.exit(2)


@events.test_start.add_listener
def begin(environment: Environment, **_: object) -> None:
    """Take this process's share of the jobs."""
    if isinstance(environment.runner, MasterRunner):
        return
    options = Namespace(**vars(environment.parsed_options))
    try:
        load = Load.of(options, environment.host)
    except Refused as error:
        log.error("%s", error)
        return
    # A worker that comes later finds everything divided.
    index = options.shares.get(environment.runner.client_id)
    planned = [] if index is None else load.plan(index, len(options.shares))
    open_run(environment, Run(load, planned, options.begin, environment))


@events.test_stop.add_listener
def end(environment: Environment, **_: object) -> None:
    """Give up what is under way; report, unless others have still to tell."""
    run = run_of(environment)
    if run is None:
        return
    run.close()
    if not isinstance(environment.runner, WorkerRunner):
        environment.shape_class.take(run.take_told())
        environment.shape_class.close()


@events.quitting.add_listener
def finish(environment: Environment, **_: object) -> None:
    """Report, on a master: its workers tell the last of it when they quit."""
    if isinstance(environment.runner, MasterRunner):
        environment.shape_class.close()
