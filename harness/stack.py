"""The running application: Redis, its API, worker and beat, and the agent.

Everything of one stack lives in one folder, see `Layout`, at one site of its engine.
"""

import itertools
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from harness.agent import Agent
from harness.at_once import all_at_once
from harness.engines import Command, Engine, Process, ProcessId, Site
from harness.engines.redis_server import free_port, redis_command
from harness.errors import StackError
from harness.launch import Launcher, Layout, Mutant, Urls
from harness.ledger import Executions, process_of
from harness.links import Links
from harness.outside import raise_refused
from harness.probe_worker import ProbeWorker
from harness.readiness import await_ready, is_ready
from harness.recorder import Recorder, Unrecorded
from harness.redirect import verify_overlay, verify_urls
from harness.replica import Replica
from harness.supervision import UNSUPERVISED, Supervisor
from harness.target import ROLES, Target

#: Seconds a replica may take to leave after SIGTERM; what runs on it is the test's.
REPLICA_LEAVES_WITHIN_S = 10.0

#: Ports tried for Redis: another process may take one between our look and its start.
PORT_ATTEMPTS = 3


class Stack:
    """Starts, watches and stops the parts of one application under test.

    `history` takes the observations; `attach` gives a kept stack the next test's.
    `witness=False` leaves the witness out (a control run: no ledger, no probe tasks).
    `links` names parts that reach Redis through a proxy, by default the target's.
    """

    def __init__(
        self,
        target: Target,
        engine: Engine,
        run_dir: Path,
        mutant: Mutant | None = None,
        *,
        history: Recorder | None = None,
        witness: bool = True,
        links: Sequence[str] | None = None,
    ) -> None:
        self.target = target
        self.engine = engine
        self.mutant = mutant
        self.history: Recorder = history or Unrecorded()
        self.layout = Layout.new(run_dir)
        self.executions = Executions(self.layout.ledger, self.layout.journal)
        self.links = Links(target.links if links is None else links)
        self.witness = witness
        self._processes: dict[str, Process] = {}
        self._probe_workers: dict[tuple[Any, ...], ProbeWorker] = {}
        self.replicas: dict[str, Replica] = {}
        #: Commands as described, of parts that `harness.rollout` deployed differently.
        self.described: dict[str, Command] = {}
        #: Seconds after which a part was ready, all of them started at once.
        self.start_s: dict[str, float] = {}
        self._numbers = itertools.count(2)
        self._lock = threading.RLock()
        self._one_restart = threading.RLock()  # it takes a while, a look must not
        self._supervisor: Supervisor | None = None
        self._agent: Agent | None = None
        self._site: Site | None = None
        #: What stands before every key of the application's broker.
        self.key_prefix = ""
        self._known_queues: list[str] = []
        self._urls: Urls | None = None
        self._launcher: Launcher | None = None

    # --- life ---------------------------------------------------------------------

    def start(self) -> "Stack":
        """Start Redis and the agent, verify the redirect, then start the rest.

        Raises:
            NotRedirected: the app would use another broker or result store than ours.
            OutsideStack: a part tried to reach a service that is not the stack's.
            StackError: a part died early; TooSlow: it was not ready in time.
        """
        self.layout.make()
        try:
            self._apply_overlay()
            if self.target.chdir is not None:
                self.layout.show(self.target.chdir, self.layout.work)
            self._site = self.engine.open_site()
            self._start_redis(self._site)
            redis = self.process("redis").address, self.urls.redis_port
            self.links.open(redis, self._site.harness)
            self._launcher = Launcher(
                *(self.target, self.urls.inside(self._site), self.layout, self.mutant),
                *(self.witness, self.links.ports, self._site),
            )
            self._start_agent(self._launcher)
            deployed = [role for role in ROLES if role in self.target.commands]
            self._start_all([self._launcher.deployed(role) for role in deployed])
            raise_refused(self.executions.refused())
        except BaseException:
            self.stop()
            # What is refused explains what then went wrong.
            raise_refused(self.executions.refused())
            raise
        self._supervisor = Supervisor(self)
        return self

    def stop(self, *, within_s: float = 0.0) -> None:
        """End every process, Redis last; `within_s` > 0 first asks with SIGTERM."""
        if self._supervisor is not None:
            self._supervisor.stop()
        with self._one_restart, self._lock:
            redis = [p for p in self._processes.values() if p.role == "redis"]
            others = [p for p in self._processes.values() if p.role != "redis"]
            for group in (others, redis):
                all_at_once(
                    lambda process: self.engine.stop(process, within_s=within_s), group
                )
            self._processes.clear()
        self.links.close()
        if self._site is not None:
            self.engine.close_site(self._site)
            self._site = None

    def attach(self, history: Recorder) -> None:
        """Send observations to this history from now on, and tell it who is running."""
        with self._lock:
            self.history = history
            if self._agent is not None:
                self._agent.history = history
            for process in self._processes.values():
                self._record_started(process, kept=True)

    def record(self, kind: str, process: Process, **more: Any) -> None:
        """Record an observation of this stack about one of its processes."""
        self.history.record(
            "stack",
            kind,
            role=process.role,
            pid=process.id.pid,
            pid_start=process.id.start_time,
            pid_ns=process.id.pid_namespace,
            **more,
        )

    # --- parts --------------------------------------------------------------------

    @property
    def urls(self) -> Urls:
        """Return the URLs as we reach the running stack; StackError before it started.

        Its parts see the same ports, at hosts of their site.
        """
        if self._urls is None:
            raise StackError("The stack is not started yet. Call start() first.")
        return self._urls

    @property
    def started(self) -> bool:
        """Whether it has started: from then on, what dies is started again."""
        return self._supervisor is not None

    @property
    def agent(self) -> Agent:
        """Return the agent in the application's interpreter."""
        if self._agent is None:
            raise StackError("The stack is not started yet. Call start() first.")
        return self._agent

    def process(self, role: str) -> Process:
        """Return a part by role: redis, api, worker, beat, agent, probe-<n>."""
        with self._lock:
            if role not in self._processes:
                running = ", ".join(self._processes) or "nothing"
                raise StackError(f"No {role!r} in this stack; there is {running}.")
            return self._processes[role]

    def processes(self) -> list[Process]:
        """Return all parts, the dead too."""
        with self._lock:
            return list(self._processes.values())

    def is_ready(self, role: str) -> bool:
        """Return whether a part can be used now."""
        return is_ready(self, role)

    def restart(self, role: str) -> Process:
        """Kill what is left of a part, start its command again, wait until ready."""
        with self._one_restart:
            self.replace(self.process(role))
        self._await_ready(role)
        return self.process(role)

    def replace(self, process: Process) -> None:
        """Start a part's command again, unless that was done for it already."""
        with self._one_restart:
            with self._lock:  # a replica may have been retired meanwhile
                if process is not self._processes.get(process.role):
                    return
            started = self.engine.restart(process)
            with self._lock:
                self._processes[process.role] = started
            if process.role == "redis":
                self.links.lead((started.address, self.urls.redis_port))
            self._record_started(started)
            self.history.record("stack", "restarted", role=process.role)

    def left_dead(self, process: Process) -> None:
        """Let links feel that Redis is gone, until it is started again."""
        with self._one_restart:
            if process.role == "redis" and process is self.process("redis"):
                self.links.lead(None)

    def logs(self, role: str, *, lines: int = 20) -> str:
        """Return the last lines of a part's log; evidence, never a verdict."""
        return self.engine.logs(self.process(role), lines=lines)

    def pid_of_child(self, job: str) -> ProcessId | None:
        """Return the process that executes the job now; None where none does."""
        line = self.executions.running(job)
        if line is None:
            return None
        found = process_of(line)
        return None if self.engine.state(found) is None else found

    def probe_worker(
        self,
        *,
        pool: str = "prefork",
        concurrency: int = 1,
        args: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> ProbeWorker:
        """Return the kept probe worker of this configuration, started at first use."""
        env = dict(env or {})
        key = (pool, concurrency, tuple(args), tuple(sorted(env.items())))
        with self._lock:
            if key in self._probe_workers:
                return self._probe_workers[key]
            assert self._launcher is not None, "start() comes first"
            worker = ProbeWorker.numbered(len(self._probe_workers))
            command = self._launcher.probe_worker(
                worker.role, worker.queues, pool, concurrency, args, env
            )
            self._start(command)
            self._probe_workers[key] = worker
        self._await_ready(worker.role)
        return worker

    @contextmanager
    def replica(
        self,
        role: str,
        env: Mapping[str, str] | None = None,
        *,
        linked: bool = False,
    ) -> Iterator[Replica]:
        """Run a part's deployed command once more, beside it, while the body runs.

        It is ready when the body begins, is a part of the stack under the name the
        replica has, say worker-2, and is asked to leave with SIGTERM at the end. `env`
        configures it differently than the first. Where it is `linked` its way to Redis,
        or to its broker alone, can be hurt: see `harness.links`.
        """
        self.process(role)  # StackError where there is no such part
        # No name is given twice, so that a history stays clear.
        name = f"{role}-{next(self._numbers)}"
        unlinked: AbstractContextManager[dict[str, int]] = nullcontext({})
        links = self.links.of_replica(name) if linked else unlinked
        with links as ports, self._running(role, name, env, ports) as replica:
            yield replica

    @contextmanager
    def _running(
        self,
        role: str,
        name: str,
        env: Mapping[str, str] | None,
        ports: Mapping[str, int],
    ) -> Iterator[Replica]:
        assert self._launcher is not None, "start() comes first"
        with self._lock:
            port = free_port()
            self._start(self._launcher.replica(role, name, port, env, ports))
            replica = Replica(role, name, f"http://127.0.0.1:{port}")
            self.replicas[name] = replica
        try:
            self._await_ready(name)
            yield replica
        finally:
            with self._one_restart:  # nobody starts it again meanwhile
                with self._lock:
                    process = self._processes.pop(name)
                    del self.replicas[name]
                report = self.engine.stop(process, within_s=REPLICA_LEAVES_WITHIN_S)
            self.history.record("stack", "left", role=name, code=report.exit_code)

    def dead(self) -> list[str]:
        """Return the roles of the parts that do not run."""
        with self._lock:
            parts = self._processes.items()
            return [role for role, part in parts if part.exit_code() is not None]

    def queues(self) -> list[str]:
        """Return the application's queues and those of the probe workers."""
        with self._lock:
            private = [q for w in self._probe_workers.values() for q in w.queues]
        return list(dict.fromkeys([*self.target.queues, *self._known_queues, *private]))

    # --- starting -----------------------------------------------------------------

    def _apply_overlay(self) -> None:
        if self.mutant is not None and self.mutant.overlay:
            from harness.mutant import apply_overlay

            apply_overlay(self.mutant, self.layout.work, roots=self.target.pythonpath)

    def _start_redis(self, site: Site) -> None:
        binary = self.engine.redis_server
        for attempt in range(1, PORT_ATTEMPTS + 1):
            port = free_port()
            self._urls = Urls.on_ports(port, free_port())
            try:
                self._start(redis_command(binary, port, self.layout.root, site))
                self._await_ready("redis")
            except StackError:
                dead = self._processes.pop("redis", None)
                if dead is not None:
                    self.engine.stop(dead, within_s=0)
                if attempt == PORT_ATTEMPTS:
                    raise
            else:
                return

    def _start_agent(self, launcher: Launcher) -> None:
        process = self._start(launcher.agent())
        self._agent = Agent(self.engine, process, self.history)
        assert self._site is not None
        verify_urls(self._agent, self.target.app, self.urls.inside(self._site))
        seen = self._agent.describe()
        self.key_prefix, self._known_queues = seen["key_prefix"], seen["queues"]
        if self.mutant is not None and self.mutant.overlay:
            verify_overlay(self._agent, self.mutant.name, self.layout.work)

    def _start_all(self, commands: Sequence[Command]) -> None:
        began = time.monotonic()
        all_at_once(self._start, commands)
        for command in commands:
            self._await_ready(command.role)
            self.start_s[command.role] = time.monotonic() - began

    def _start(self, command: Command) -> Process:
        process = self.engine.start(command)
        with self._lock:
            self._processes[command.role] = process
            self._record_started(process)
        return process

    def _record_started(self, process: Process, **more: Any) -> None:
        self.record("started", process, command=" ".join(process.command.argv), **more)

    def _await_ready(self, role: str) -> None:
        supervised = self._supervisor is not None and role not in UNSUPERVISED
        await_ready(self, role, restarted=supervised)
