"""What each process of a stack is started with: command, environment, folders."""

import itertools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from harness.engines import LOOPBACK, Command, Site
from harness.links import BROKER
from harness.target import Target

HARNESS = Path(__file__).resolve().parent

#: Never inherited: a different read or write URL beats CELERY_BROKER_URL; without
#: compiled files every start compiles its libraries again (12 s instead of 9 s for a
#: worker with torch and transformers).
NOT_INHERITED = (
    "CELERY_BROKER_READ_URL",
    "CELERY_BROKER_WRITE_URL",
    "PYTHONDONTWRITEBYTECODE",
)


class Mutant(Protocol):
    """What the stack needs of a mutant; see `harness.mutant`."""

    @property
    def name(self) -> str:
        """Return its name, for messages."""

    @property
    def env(self) -> Mapping[str, str]:
        """Return environment variables it changes."""

    @property
    def command(self) -> Mapping[str, Sequence[str]]:
        """Return arguments it appends, by role."""

    @property
    def overlay(self) -> Any:
        """Return its replacements in the source, or nothing."""


@dataclass(frozen=True)
class Urls:
    """Where the parts are, as one who uses them sees it.

    Broker, results and events are one Redis of our own. Probes and driver see other
    hosts than the parts do where those are in containers; the ports are the same.
    """

    broker: str
    results: str
    events: str
    api: str

    @classmethod
    def on_ports(
        cls,
        redis: int,
        api: int,
        *,
        redis_host: str = LOOPBACK,
        api_host: str = LOOPBACK,
    ) -> "Urls":
        """Return the URLs of a stack, a Redis database for each use."""
        at = f"redis://{redis_host}:{redis}"
        return cls(f"{at}/0", f"{at}/1", f"{at}/2", f"http://{api_host}:{api}")

    @property
    def redis_port(self) -> int:
        """Return the port of Redis itself."""
        return urlsplit(self.broker).port or 6379

    @property
    def api_port(self) -> int:
        """Return the port of the API."""
        return urlsplit(self.api).port or 80

    def inside(self, site: Site) -> "Urls":
        """Return the URLs as the parts at this site see them."""
        hosts = {"redis_host": site.host("redis"), "api_host": site.host("api")}
        return self.on_ports(self.redis_port, self.api_port, **hosts)

    def through(self, host: str, port: int, broker: int | None = None) -> "Urls":
        """Return the URLs of a part for which Redis is elsewhere.

        `broker` is the port where its broker is, if that is yet another one.
        """
        linked = self.on_ports(port, self.api_port, redis_host=host)
        apart = self.on_ports(broker or port, self.api_port, redis_host=host)
        return replace(linked, broker=apart.broker, api=self.api)


@dataclass(frozen=True)
class Layout:
    """The folders of one stack; `work` is where every process starts."""

    root: Path

    @classmethod
    def new(cls, run_dir: Path) -> "Layout":
        """Return the layout of the next unused folder `<run_dir>/stacks/<n>`."""
        parent = Path(run_dir).resolve() / "stacks"
        parent.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(1):
            try:
                (parent / str(number)).mkdir()
            except FileExistsError:
                continue
            return cls(parent / str(number))
        raise AssertionError("count() does not end")

    @property
    def logs(self) -> Path:
        """Return the folder of one log file per role."""
        return self.root / "logs"

    @property
    def ledger(self) -> Path:
        """Return the folder the witness writes to."""
        return self.root / "ledger"

    @property
    def journal(self) -> Path:
        """Return the folder the application's job functions write to."""
        return self.root / "journal"

    @property
    def work(self) -> Path:
        """Return the working directory; a mutant's changed copy lies in it."""
        return self.root / "work"

    @property
    def data(self) -> Path:
        """Return the folder for the application's own files."""
        return self.root / "data"

    def show(self, folder: Path, into: Path) -> None:
        """Let `into` show what lies in `folder`, so that nothing is written there.

        A link per entry: commands find their files where they start, and the files
        they make (beat's schedule, say) come to lie in `into`.
        """
        for entry in folder.iterdir():
            link = into / entry.name
            if entry.name != ".qp" and not os.path.lexists(link):
                link.symlink_to(entry)

    def work_of(self, replica: str) -> Path:
        """Return the working directory of a replica, made at first use."""
        folder = self.root / "replicas" / replica
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def make(self) -> None:
        """Create them; what several users' processes write to is open to all."""
        for folder in (self.ledger, self.journal, self.work, self.data):
            folder.mkdir(parents=True)
            folder.chmod(0o1777)
        self.logs.mkdir()


class Launcher:
    """Makes the commands of one stack at a site; `urls` are as its parts see them.

    `links` is {role: its port of Redis}, where the harness listens for that part.
    """

    def __init__(
        self,
        target: Target,
        urls: Urls,
        layout: Layout,
        mutant: Mutant | None,
        witness: bool,
        links: Mapping[str, int] | None = None,
        site: Site | None = None,
    ) -> None:
        self._target = target
        self._site = site or Site()
        self._python = self._site.python or target.python
        self._urls = urls
        self._layout = layout
        self._mutant = mutant
        self._witness = witness
        self._links = links or {}

    def deployed(self, role: str) -> Command:
        """Return the target's own command of this role, as deployed."""
        argv = list(self._target.command(role, self._values(role)))
        if self._mutant is not None:
            argv += self._mutant.command.get(role, ())
        port = self._urls.api_port if role == "api" else None
        return self.command(role, argv, port=port)

    def replica(
        self,
        role: str,
        name: str,
        api_port: int,
        env: Mapping[str, str] | None = None,
        links: Mapping[str, int] | None = None,
    ) -> Command:
        """Return the deployed command of this role for one more process, `name`.

        As on a machine of its own it has another node name, its own port where it is
        an API, and its own working directory; it reaches Redis through these links, or
        else directly. `env` is what it is configured differently by.
        """
        api = f"http://{self._site.host(name)}:{api_port}"
        urls = replace(self._urls, api=api)
        if links:
            ports = links[name], links[name + BROKER]
            urls = urls.through(self._site.harness, *ports)
        what = (self._target, urls, self._layout, self._mutant, self._witness)
        command = Launcher(*what, site=self._site).deployed(role)
        work = self._layout.work_of(name)
        if self._target.chdir is not None:
            self._layout.show(self._target.chdir, work)
        return replace(
            command,
            role=name,
            env={**command.env, "QUEUEPROOF_NODE": name, **(env or {})},
            cwd=work,
            log=self._layout.logs / f"{name}.log",
        )

    def agent(self) -> Command:
        """Return the command of the agent, in the application's interpreter."""
        argv = [self._python, "-m", "queueproof_witness", self._target.app]
        return self.command("agent", argv, pipe=True)

    def probe_worker(
        self,
        role: str,
        queues: Sequence[str],
        pool: str,
        concurrency: int,
        args: Sequence[str],
        env: Mapping[str, str],
    ) -> Command:
        """Return the command of a worker that only serves `queues`; quick to boot."""
        argv = [self._python, "-m", "celery", "-A", self._target.app, "worker"]
        argv += ["-P", pool, "-c", str(concurrency), "-n", f"{role}@%h", "-l", "INFO"]
        argv += ["--without-mingle", "--without-gossip", "--without-heartbeat"]
        argv += ["-Q", ",".join(queues), *args]
        return self.command(role, argv, env)

    def command(
        self,
        role: str,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        *,
        pipe: bool = False,
        port: int | None = None,
    ) -> Command:
        """Return a command in the stack's environment and working directory."""
        return Command(
            role=role,
            argv=tuple(argv),
            env={**self._env(role), **(env or {})},
            cwd=self._layout.work,
            log=self._layout.logs / f"{role}.log",
            pipe=pipe,
            port=port,
            folder=self._layout.root,
            site=self._site,
        )

    def _urls_of(self, role: str) -> Urls:
        port = self._links.get(role)
        if port is None:
            return self._urls
        return self._urls.through(self._site.harness, port)

    def _values(self, role: str, port: int | None = None) -> dict[str, str]:
        urls = self._urls_of(role)
        return {
            "python": self._python,
            "app": self._target.app,
            "host": self._site.listen,
            "port": str(port or urls.api_port),
            "broker": urls.broker,
            "results": urls.results,
            "events": urls.events,
            "data": str(self._layout.data),
            "journal": str(self._layout.journal),
        }

    def _allowed_hosts(self, values: Mapping[str, str]) -> list[str]:
        """Return what a part may connect to: the stack's hosts, the target's others."""
        urls = (values["broker"], values["results"], values["events"], self._urls.api)
        hosts = [urlsplit(url).hostname or "" for url in urls]
        # All of a private network is ours, while a name in it comes and goes.
        hosts += [self._site.subnet] if self._site.subnet else []
        return list(dict.fromkeys([*hosts, *self._target.allow_hosts]))

    def _env(self, role: str) -> dict[str, str]:
        env = {
            name: value
            for name, value in self._site.environ.items()
            if name not in NOT_INHERITED and not name.startswith("PYTEST_")
        }
        # A second OpenMP thread in a worker's parent hangs every forked child.
        env |= {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        values = self._values(role)
        env |= {key: text.format_map(values) for key, text in self._target.env.items()}
        if self._mutant is not None:
            env |= self._mutant.env
        env["CELERY_BROKER_URL"] = values["broker"]
        env["CELERY_RESULT_BACKEND"] = values["results"]
        env["QUEUEPROOF_PART"] = role
        env["QUEUEPROOF_ALLOWED_HOSTS"] = ",".join(self._allowed_hosts(values))
        if self._witness:
            env["QUEUEPROOF_LEDGER"] = str(self._layout.ledger)
        # Guarded in a control run too: it must not reach a stranger's services either.
        path = [HARNESS / "witness_site", self._layout.work]
        if self._site.sources:
            path += self._target.pythonpath
        inherited = [p for p in [self._site.environ.get("PYTHONPATH")] if p]
        env["PYTHONPATH"] = os.pathsep.join([*map(str, path), *inherited])
        return env
