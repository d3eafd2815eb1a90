"""What can be taken from containers, while they run: memory and processor time."""

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from docker.errors import APIError, NotFound

from harness.engines import Process, ProcessId
from harness.engines.contained import ContainedProcess
from harness.engines.neighbour import neighbour
from harness.engines.oversight import Oversight
from harness.errors import EngineError, NotOnThisEngine

if TYPE_CHECKING:
    from docker.models.containers import Container

MIB = 2**20

#: Microseconds in which a share of a processor is given once, the kernel's default.
PERIOD_US = 100_000

#: MiB that stand for no limit: Docker takes back none that it was once given.
NO_LIMIT_MIB = 1_048_576

#: MiB by which a limit is raised, and up to which, while the kernel refuses it: it must
#: be kept at once, and not all can be given back that might be.
STEP_MIB = 2.0
MOST_MIB = 64.0


class ContainerLimits:
    """See `harness.engines.limits.Limits`."""

    def __init__(self, oversight: Oversight, docker_socket: str, python: str) -> None:
        self._oversight = oversight
        self._socket = docker_socket
        self._python = python

    @contextmanager
    def memory(
        self, process: Process, victims: Sequence[ProcessId], headroom_mib: float
    ) -> Iterator[Callable[[], int]]:
        """Limit the whole container, and its swap; a victim is killed before others.

        Without headroom a neighbour in the container takes what there still is.
        """
        namespace, container = process.id.pid_namespace, _container(process)
        with contextlib.ExitStack() as ending:
            take: Callable[[], None] | None = None
            if not headroom_mib and self._oversight.group(namespace):
                # Before the limit: a kernel that lowers it at once kills at once.
                for victim in victims:
                    self._oversight.prefer(victim)
                take = ending.enter_context(
                    neighbour(container, self._socket, self._python, victims)
                )
            group = self._oversight.group(namespace) or {}
            killed = [int(group.get("oom_kills", 0))] * 2
            before = group.get("limit_mib", NO_LIMIT_MIB)

            def kills() -> int:
                now = self._oversight.group(namespace)
                if now is not None:
                    killed[1] = int(now["oom_kills"])
                elif _died_of_it(container):
                    killed[1] = max(killed[1], killed[0] + 1)
                return killed[1] - killed[0]

            try:
                if group:
                    near = min(group["used_mib"] + headroom_mib, before)
                    _limit_near(container, near)
                if take is not None:
                    take()
                yield kills
            finally:
                with contextlib.suppress(APIError):  # it is gone, and its limit with it
                    _limit(container, before)

    def memory_left_mib(self, process: ProcessId) -> float | None:
        """Return the container's limit less what it uses."""
        group = self._oversight.group(process.pid_namespace)
        if group is None or group.get("limit_mib", NO_LIMIT_MIB) >= NO_LIMIT_MIB:
            return None
        return max(0.0, group["limit_mib"] - group["used_mib"])

    def memory_used_mib(self, process: ProcessId) -> float | None:
        """Return what its cgroup counts: anonymous memory, and the kernel's."""
        group = self._oversight.group(process.pid_namespace)
        return None if group is None else group["used_mib"]

    @contextmanager
    def cpu(self, process: Process, share: float) -> Iterator[None]:
        """Give the container a quota of the kernel's."""
        container = _container(process)
        container.update(cpu_period=PERIOD_US, cpu_quota=int(share * PERIOD_US))
        try:
            yield
        finally:
            with contextlib.suppress(APIError):  # it is gone, and its quota with it
                container.update(cpu_period=PERIOD_US, cpu_quota=-1)

    def cpu_s(self, process: Process) -> float:
        """Return what the container's cgroup has counted."""
        group = self._oversight.group(process.id.pid_namespace)
        return 0.0 if group is None else group["cpu_s"]

    @contextmanager
    def disk(self, process: Process) -> Iterator[None]:
        """Raise NotOnThisEngine: a container writes to a folder of this machine."""
        raise NotOnThisEngine(
            f"The data of {process.role} lie in a folder of this machine, so that they "
            "outlive its container, and Docker cannot make that full. "
            "Use --engine process."
        )
        yield


def _died_of_it(container: "Container") -> bool:
    """Whether Docker says that the container's main process was killed for memory."""
    try:
        container.reload()
    except NotFound:
        return False
    state: dict[str, Any] = container.attrs["State"]
    return bool(state.get("OOMKilled"))


def _container(process: Process) -> "Container":
    assert isinstance(process, ContainedProcess)
    return process.container


def _limit_near(container: "Container", mib: float) -> None:
    """Set the lowest limit from here on that the kernel takes."""
    for step in itertools.count():
        try:
            _limit(container, mib + step * STEP_MIB)
        except APIError as error:
            if step * STEP_MIB >= MOST_MIB:
                raise EngineError(
                    f"Docker does not limit {container.name} to {mib:.0f} MiB: "
                    f"{error}. Is it still there, and may Docker limit memory?"
                ) from error
        else:
            return


def _limit(container: "Container", mib: float) -> None:
    limit = int(mib * MIB)
    container.update(mem_limit=limit, memswap_limit=limit)
