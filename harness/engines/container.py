"""The container engine: every part in a container of its own, on a private network.

Docker makes, starts and removes; what happens to single processes (signals, states,
memory) goes through the overseer, so that "freeze the child of the worker" means the
same as on processes. A part that is started again gets a new container with the same
command, alias, ports and folders.
"""

import contextlib
import itertools
import os
import secrets
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docker.errors import NotFound

from harness import keeper
from harness.engines import (
    LOOPBACK,
    Command,
    Process,
    ProcessId,
    ProcessInfo,
    Site,
    StopReport,
    reaper,
    remains,
)
from harness.engines.contained import ContainedProcess
from harness.engines.container_limits import ContainerLimits
from harness.engines.daemon import docker_says, find_image, if_it_lives, reach
from harness.engines.equipment import Equipment
from harness.engines.log import log_tail
from harness.engines.oversight import COMMAND, SETTINGS, Oversight
from harness.errors import EngineError, TooSlow
from harness.wait import wait_until

if TYPE_CHECKING:
    from docker.models.containers import Container

#: Seconds Docker may take to end a container after SIGKILL on a busy machine.
KILL_WITHIN_S = 15.0

#: Seconds until the first process of a started container is its own program.
BEGIN_WITHIN_S = 15.0

#: Exit codes of an init that could not run the command: not executable, not found.
NOT_RUN = (126, 127)


class ContainerEngine:
    """Runs commands in containers; see `Engine`.

    Raises:
        EngineError: no Docker daemon of this machine answers, or an image is missing.
    """

    name = "container"

    def __init__(self, equipment: Equipment) -> None:
        self.equipment = equipment
        self.run_token = secrets.token_hex(8)
        self._labels = {
            reaper.RUN_LABEL: self.run_token,
            reaper.OWNER_LABEL: reaper.owner(),
        }
        self._numbers = itertools.count()
        self._started: list[ContainedProcess] = []
        self._namespaces: dict[str, str] = {}  # by id of the container
        self._lock = threading.Lock()
        self._docker, self._socket = reach()
        try:
            label = f"{reaper.RUN_LABEL}={self.run_token}"
            sweep = (sys.executable, "-S", "-E", remains.__file__, self._socket, label)
            self._keeper = keeper.Keeper(f"QUEUEPROOF_RUN={self.run_token}", sweep)
            try:
                self._overseer, self._oversight = self._begin_oversight()
            except BaseException:
                self._keeper.close()
                raise
        except BaseException:
            self._docker.client.close()
            raise

    @property
    def limits(self) -> ContainerLimits:
        """Return what it can take away from a container."""
        return ContainerLimits(self._oversight, self._socket, self.equipment.python)

    @property
    def redis_server(self) -> str:
        """Return the program's name in the image of Redis."""
        return "redis-server"

    # --- places -------------------------------------------------------------------

    def open_site(self) -> Site:
        """Make a private network; its gateway is where the parts reach us."""
        name = f"queueproof-{self.run_token}-{next(self._numbers)}"
        with docker_says("make a network"):
            network = self._docker.client_networks_create(
                name, {"driver": "bridge", "labels": self._labels}
            )
            network.reload()
        addresses = network.attrs["IPAM"]["Config"][0]
        own = self.equipment
        where = {} if own.sources else {"environ": self._environ_of_image()}
        return Site(
            network=name,
            subnet=addresses["Subnet"],
            harness=addresses["Gateway"].partition("/")[0],
            listen="0.0.0.0",
            sources=own.sources,
            python="" if own.sources else own.python,
            **where,
        )

    def close_site(self, site: Site) -> None:
        """Remove its network."""
        with docker_says("remove a network"), contextlib.suppress(NotFound):
            self._docker.client.networks.get(site.network).remove()

    def _environ_of_image(self) -> dict[str, str]:
        """Return what our settings must not hide: where the image finds its code."""
        with docker_says("look at the image"):
            config = find_image(self._docker, self.equipment.image).attrs["Config"]
        pairs = (entry.partition("=") for entry in config.get("Env") or [])
        found = [value for name, _, value in pairs if name == "PYTHONPATH" and value]
        if config.get("WorkingDir"):
            found.append(config["WorkingDir"])
        return {"PYTHONPATH": ":".join(found)} if found else {}

    # --- life ---------------------------------------------------------------------

    def start(self, command: Command) -> Process:
        """Start it in a new container; raises EngineError where it cannot run."""
        command.log.parent.mkdir(parents=True, exist_ok=True)
        with docker_says(f"start {command.role}"):
            container = self._create(command)
            process = ContainedProcess(command, container, self._socket)
            with self._lock:
                self._started.append(process)
            try:
                self._docker.start(container)
                process.begin()
                container.reload()
                self._adopt(process)
            except BaseException:
                self._remove(process)
                raise
        return process

    def stop(self, process: Process, *, within_s: float = 5.0) -> StopReport:
        """SIGTERM, up to `within_s` seconds, then Docker kills all that is left."""
        own = _own(process)
        report = StopReport(exit_code=own.exit_code())
        if within_s > 0 and own.exit_code() is None:
            self.signal(own.id, signal.SIGTERM)
            self.resume(own.id)  # a frozen process hears nothing
            with contextlib.suppress(TooSlow):
                own.await_exit(within_s=within_s)
        if own.exit_code() is None:
            living = [info for info in self.tree(own) if info.state not in "ZX"]
            report.killed = [info.id for info in living]
            with docker_says(f"kill {own.role}"), if_it_lives():
                own.container.kill()
            own.await_exit(within_s=KILL_WITHIN_S)
        report.exit_code = own.exit_code()
        self._remove(own)
        return report

    def restart(self, process: Process) -> Process:
        """Kill what is left of it and start the same command in a new container."""
        self.stop(process, within_s=0)
        return self.start(process.command)

    def close(self) -> None:
        """Remove every container and network of this run."""
        with self._lock:
            left = list(self._started)
        for process in left:
            self.stop(process, within_s=0)
        self._oversight.close()
        with docker_says("remove the overseer"), if_it_lives():
            self._overseer.remove(force=True, v=True)
        self._keeper.close()
        self._docker.client.close()

    # --- processes ----------------------------------------------------------------

    def identify(self, pid: int, pid_namespace: str = "") -> ProcessId | None:
        """Return who has this pid in a container of this run now."""
        return self._oversight.identify(pid, pid_namespace) if pid_namespace else None

    def state(self, process: ProcessId) -> str | None:
        """Return its state letter; None where it is gone or the pid was recycled."""
        return self._oversight.state(process)

    def signal(self, process: ProcessId, signum: int) -> bool:
        """Send a signal from the host's side, whoever the process belongs to."""
        return self._oversight.signal(process, signum)

    def pause(self, process: ProcessId) -> bool:
        """Freeze it with SIGSTOP, as on processes: Docker's pause freezes only all."""
        return self.signal(process, signal.SIGSTOP)

    def resume(self, process: ProcessId) -> bool:
        """Let it go on with SIGCONT."""
        return self.signal(process, signal.SIGCONT)

    def tree(self, process: Process) -> list[ProcessInfo]:
        """Return what runs in its container, zombies too, its own line first."""
        own = _own(process)
        namespace = self._namespaces.get(str(own.container.id))
        return [] if namespace is None else self._oversight.tree(namespace)

    def memory(self, process: ProcessId) -> float | None:
        """Return its PSS in MiB."""
        return self._oversight.memory(process)

    def ignores(self, process: ProcessId, signum: int) -> bool:
        """Return what the kernel's list of ignored signals says."""
        return self._oversight.ignores(process, signum)

    def connections(self, process: ProcessId) -> set[tuple[str, str]]:
        """Return its TCP connections: (local, remote) as "address:port"."""
        return self._oversight.connections(process)

    def logs(self, process: Process, *, lines: int = 20) -> str:
        """Return the last lines of its output, under a line that names the file."""
        return log_tail(process.command.log, lines=lines)

    # --- containers ---------------------------------------------------------------

    def _begin_oversight(self) -> "tuple[Container, Oversight]":
        with docker_says("start the overseer"):
            container = self._docker.create(
                find_image(self._docker, self.equipment.python_image).id,
                list(COMMAND),
                labels=self._labels,
                name=f"queueproof-{self.run_token}-overseer",
                **SETTINGS,
            )
            oversight = Oversight(container, self._socket)
            self._docker.start(container)
        oversight.begin()
        return container, oversight

    def _create(self, command: Command) -> "Container":
        own = self.equipment
        redis = command.role == "redis"
        image = own.redis_image if redis else own.image
        writable = {command.cwd, *([command.folder] if command.folder else [])}
        network = command.site.network or "bridge"
        user = f"{os.getuid()}:{os.getgid()}" if redis else own.user
        settings: dict[str, Any] = {"user": user} if user else {}
        if command.site.network:
            endpoint = self._docker.client.api.create_endpoint_config(
                aliases=[command.role]
            )
            settings["networking_config"] = {network: endpoint}
        if command.port is not None:
            settings["ports"] = {f"{command.port}/tcp": (LOOPBACK, command.port)}
        if own.memory_mib and not redis:
            limit = f"{own.memory_mib}m"
            settings |= {"mem_limit": limit, "memswap_limit": limit}
        return self._docker.create(
            find_image(self._docker, image).id,
            list(command.argv[1:]),
            environment=dict(command.env),
            entrypoint=[command.argv[0]],
            name=f"queueproof-{self.run_token}-{command.role}-{next(self._numbers)}",
            hostname=command.role,
            labels=self._labels,
            init=True,
            network=network,
            working_dir=str(command.cwd),
            volumes=[*([] if redis else own.volumes), *_writable(writable)],
            stdin_open=command.pipe,
            **settings,
        )

    def _adopt(self, process: ContainedProcess) -> None:
        """Wait until its first process is the command, and learn who that is.

        One that ended before we looked belongs to nobody, which is no error.
        """
        about = process.container.attrs
        network = about["NetworkSettings"]["Networks"].get(process.command.site.network)
        if network is not None:
            process.address = network["IPAddress"]
        init = int(about["State"]["Pid"])
        namespace = self._oversight.adopt(init) if init else None
        if namespace is not None:
            self._namespaces[str(process.container.id)] = namespace

        def begun() -> bool:
            main = self._oversight.main(namespace) if namespace else None
            if main is not None:
                process.id, runs = main
                return runs or process.exit_code() is not None
            return process.exit_code() is not None

        wait_until(
            begun,
            within_s=BEGIN_WITHIN_S,
            every_s=0.002,
            what=f"{process.role} runs in its container",
        )
        if process.exit_code() in NOT_RUN:
            raise EngineError(
                f"{process.role}: cannot run {process.command.argv[0]!r} in "
                f"{process.container.attrs['Config']['Image']} (exit code "
                f"{process.exit_code()}). Is the command in target.toml right, and "
                f"installed there?\n{self.logs(process)}"
            )

    def _remove(self, process: ContainedProcess) -> None:
        id = str(process.container.id)
        with self._lock:
            if process in self._started:
                self._started.remove(process)
            namespace = self._namespaces.pop(id, None)
        if namespace is not None:
            self._oversight.forget(namespace)
        with docker_says(f"remove {process.role}"), if_it_lives():
            process.container.remove(force=True, v=True)
        process.close()


def _writable(folders: set[Path]) -> Iterator[str]:
    outermost = [f for f in folders if not any(o in f.parents for o in folders)]
    for folder in sorted(outermost):
        yield f"{folder}:{folder}:rw"


def _own(process: Process) -> ContainedProcess:
    if not isinstance(process, ContainedProcess):
        raise EngineError(f"{process!r} was not started by the container engine.")
    return process
