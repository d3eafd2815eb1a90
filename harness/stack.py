"""The running application: Redis, its API, worker and beat, and the agent.

Everything of one stack lives in one folder, see `Layout`. A supervisor restarts what
dies, as a deployment would, and says so in the history.
"""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from harness.agent import Agent
from harness.engines import Command, Engine, Process, ProcessId
from harness.engines.redis_server import find_redis_server, free_port, redis_command
from harness.errors import EngineError, StackError
from harness.launch import Launcher, Layout, Mutant, Urls
from harness.ledger import Executions
from harness.links import Links
from harness.probe_worker import ProbeWorker
from harness.probes.queue import depth
from harness.probes.redis import why_down
from harness.recorder import Recorder, Unrecorded
from harness.redirect import verify_overlay, verify_urls
from harness.replicas import Replicas
from harness.target import ROLES, Target
from harness.wait import wait_until

#: Seconds until a part must be ready. A worker that imports torch, its files not in the
#: cache, on two busy cores took 12 s; five times that is a failure, not a slow day.
READY_WITHIN_S = 60.0

#: Seconds between two looks of the supervisor.
SUPERVISE_S = 0.05

#: Parts the supervisor leaves dead: a fault stops Redis on purpose, and heals it.
UNSUPERVISED = ("redis", "agent")

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
        self._witness = witness
        self._processes: dict[str, Process] = {}
        self._probe_workers: dict[tuple[Any, ...], ProbeWorker] = {}
        self._replicas = Replicas()
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._supervisor: threading.Thread | None = None
        self._agent: Agent | None = None
        self._urls: Urls | None = None
        self._launcher: Launcher | None = None

    # --- life ---------------------------------------------------------------------

    def start(self) -> "Stack":
        """Start Redis and the agent, verify the redirect, then start the rest.

        Raises:
            NotRedirected: the app would use another broker or result store than ours.
            StackError: a part died early; TooSlow: it was not ready in time.
        """
        self.layout.make()
        try:
            self._apply_overlay()
            self._urls = self._start_redis()
            self.links.open(self._urls.redis_port)
            what = (self.target, self._urls, self.layout, self.mutant)
            self._launcher = Launcher(*what, self._witness, self.links.ports)
            self._start_agent()
            deployed = [role for role in ROLES if role in self.target.commands]
            for role in deployed:
                self._start(self._launcher.deployed(role))
            for role in deployed:
                self._await_ready(role)
        except BaseException:
            self.stop()
            raise
        self._supervisor = threading.Thread(
            target=self._supervise, name="queueproof-supervisor", daemon=True
        )
        self._supervisor.start()
        return self

    def stop(self, *, within_s: float = 0.0) -> None:
        """End every process, Redis last; `within_s` > 0 first asks with SIGTERM."""
        self._stopping.set()
        if self._supervisor is not None:
            self._supervisor.join()
        with self._lock:
            for role in sorted(self._processes, key=lambda role: role == "redis"):
                self.engine.stop(self._processes[role], within_s=within_s)
            self._processes.clear()
        self.links.close()

    def attach(self, history: Recorder) -> None:
        """Send observations to this history from now on, and tell it who is running."""
        with self._lock:
            self.history = history
            if self._agent is not None:
                self._agent.history = history
            for process in self._processes.values():
                self._record_started(process, kept=True)

    # --- parts --------------------------------------------------------------------

    @property
    def urls(self) -> Urls:
        """Return the URLs of the running stack; StackError before it started."""
        if self._urls is None:
            raise StackError("The stack is not started yet. Call start() first.")
        return self._urls

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

    @property
    def roles(self) -> tuple[str, ...]:
        """Return the role of every part."""
        with self._lock:
            return tuple(self._processes)

    def restart(self, role: str) -> Process:
        """Kill what is left of a part, start its command again, wait until ready."""
        with self._lock:
            self._restart(role)
        self._await_ready(role)
        return self.process(role)

    def logs(self, role: str, *, lines: int = 20) -> str:
        """Return the last lines of a part's log; evidence, never a verdict."""
        return self.engine.logs(self.process(role), lines=lines)

    def pid_of_child(self, job: str) -> ProcessId | None:
        """Return the process that executes the job now; None where none does."""
        line = self.executions.running(job)
        if line is None:
            return None
        found = self.engine.identify(int(line["pid"]))
        if found is None or found.start_time != line.get("pid_start"):
            return None
        return found

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

    def replica(self, role: str) -> str:
        """Start one more process of a part as deployed; return its role when ready.

        A worker's has another node name, an API's another port, see `api_url`. It has
        no link, and lives until `retire`.
        """
        with self._lock:
            self.process(role)  # StackError where there is no such part
            assert self._launcher is not None, "start() comes first"
            added = self._replicas.add(role)
            self._start(self._launcher.replica(role, added.name, added.api))
        try:
            self._await_ready(added.name)
        except BaseException:
            self.retire(added.name)
            raise
        return added.name

    def retire(self, replica: str, *, within_s: float = 0.0) -> None:
        """End a replica for good; `within_s` > 0 first asks with SIGTERM."""
        with self._lock:
            self._replicas.remove(replica)
            self.engine.stop(self._processes.pop(replica), within_s=within_s)

    def api_url(self, role: str = "api") -> str:
        """Return where the API, or a replica of it, answers."""
        return self._replicas.api(role) or self.urls.api

    def leftovers(self) -> list[str]:
        """Return why the stack is not fit for the next test; empty where it is."""
        with self._lock:
            reasons = [
                f"{role} is not running"
                for role, process in self._processes.items()
                if process.exit_code() is not None
            ]
        reasons += [
            f"job {job} still runs"
            for job in self.executions.open_jobs()
            if self.pid_of_child(job) is not None
        ]
        reasons += [f"the replica {name} still runs" for name in self._replicas.names]
        refused = why_down(self.urls.broker)
        if refused is not None:
            return [*reasons, f"redis does not answer: {refused}"]
        for queue in self.target.queues:
            found = depth(self.urls.broker, queue)
            if found.length:
                reasons.append(f"{found.length} messages wait in {queue}")
            if found.unacked:
                reasons.append(f"{found.unacked} messages are not acknowledged")
                break  # the count is of all queues
        return reasons

    # --- starting -----------------------------------------------------------------

    def _apply_overlay(self) -> None:
        if self.mutant is not None and self.mutant.overlay:
            from harness.mutant import apply_overlay

            apply_overlay(self.mutant, self.layout.work, roots=self.target.pythonpath)

    def _start_redis(self) -> Urls:
        binary = find_redis_server()
        for attempt in range(1, PORT_ATTEMPTS + 1):
            port = free_port()
            urls = Urls.on_ports(port, free_port())
            self._start(redis_command(binary, port, self.layout.root))
            try:
                self._await_redis(urls)
            except StackError:
                if attempt == PORT_ATTEMPTS:
                    raise
            else:
                break
        return urls

    def _start_agent(self) -> None:
        assert self._launcher is not None
        process = self._start(self._launcher.agent())
        self._agent = Agent(self.engine, process, self.history)
        verify_urls(self._agent, self.target.app, self.urls)
        if self.mutant is not None and self.mutant.overlay:
            verify_overlay(self._agent, self.mutant.name, self.layout.work)

    def _start(self, command: Command) -> Process:
        with self._lock:
            process = self.engine.start(command)
            self._processes[command.role] = process
            self._record_started(process)
            return process

    def _restart(self, role: str) -> None:
        process = self.engine.restart(self.process(role))
        self._processes[role] = process
        self._record_started(process)
        self.history.record("stack", "restarted", role=role)

    def _record_started(self, process: Process, **more: Any) -> None:
        self.history.record(
            "stack",
            "started",
            role=process.role,
            pid=process.id.pid,
            pid_start=process.id.start_time,
            command=" ".join(process.command.argv),
            **more,
        )

    # --- readiness ----------------------------------------------------------------

    def _await_ready(self, role: str) -> None:
        part = self._replicas.part(role)
        if role == "redis":
            self._await_redis(self.urls)
        elif part == "api":
            self._await(role, lambda: self._api_is_healthy(role))
        elif part == "worker" or role in {w.role for w in self._probe_workers.values()}:
            self._await(role, lambda: self._worker_is_ready(role))
        else:
            self._await(role, lambda: True)

    def _await_redis(self, urls: Urls) -> None:
        self._await("redis", lambda: why_down(urls.broker) is None)

    def _await(self, role: str, ready: Any) -> None:
        def alive_and_ready() -> bool:
            code = self.process(role).exit_code()
            nobody_restarts_it = self._supervisor is None or role in UNSUPERVISED
            if code is not None and nobody_restarts_it:
                raise StackError(
                    f"{role} ended with code {code} before it was ready.\n"
                    + self.logs(role)
                )
            return bool(ready())

        wait_until(
            alive_and_ready,
            within_s=READY_WITHIN_S,
            what=f"{role} is ready",
            on_timeout=lambda: self.logs(role),
        )

    def _api_is_healthy(self, role: str) -> bool:
        if self.target.api is None:
            return True
        method, _, route = self.target.api.health.partition(" ")
        try:
            answer = httpx.request(method, self.api_url(role) + route, timeout=2)
        except httpx.TransportError:
            return False
        return answer.status_code == 200

    def _worker_is_ready(self, role: str) -> bool:
        # A start script may stand between us and the worker, so look at the whole tree.
        tree = {info.id.pid for info in self.engine.tree(self.process(role))}
        if self._witness:
            return bool(tree & self.executions.ready_workers())
        return bool(tree & set(self.agent.workers(timeout_s=0.5).values()))

    # --- supervision --------------------------------------------------------------

    def _supervise(self) -> None:
        reported: set[ProcessId] = set()
        while not self._stopping.wait(SUPERVISE_S):
            with self._lock:
                for role, process in list(self._processes.items()):
                    code = process.exit_code()
                    if code is None or process.id in reported:
                        continue
                    reported.add(process.id)
                    self.history.record(
                        "stack", "exited", role=role, pid=process.id.pid, code=code
                    )
                    if role in UNSUPERVISED:
                        continue
                    try:
                        self._restart(role)
                    except EngineError as error:
                        self.history.record("stack", "lost", role=role, why=str(error))
