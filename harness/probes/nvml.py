"""What a card says of its memory: how much each process holds, and each device.

NVIDIA's library is asked through nvidia-ml-py, which is pure Python and is imported
when somebody wants to look at a card, never before.
"""

import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from harness.engines import Engine, ProcessId
from harness.errors import NotApplicable

MIB = 2**20

#: How a look names this probe, and a target its device.
NAME = "nvml"

_PROC = Path("/proc")


class Library(Protocol):
    """As much of the module `pynvml` as is used; amounts are bytes."""

    NVMLError: type[Exception]

    def nvmlInit(self) -> None: ...  # noqa: D102
    def nvmlShutdown(self) -> None: ...  # noqa: D102
    def nvmlDeviceGetCount(self) -> int: ...  # noqa: D102
    def nvmlDeviceGetHandleByIndex(self, index: int) -> Any: ...  # noqa: D102
    def nvmlDeviceGetUUID(self, handle: Any) -> str: ...  # noqa: D102
    def nvmlDeviceGetMemoryInfo(self, handle: Any) -> Any: ...  # noqa: D102
    def nvmlDeviceGetComputeRunningProcesses(  # noqa: D102
        self, handle: Any
    ) -> list[Any]: ...


@dataclass(frozen=True)
class Device:
    """One device: what is used of it and by whom, in MiB.

    `by_pid` has the pids as the kernel of the card's machine counts them; what no
    process of ours uses may be another's, or the driver's own.
    """

    index: int
    uuid: str
    used_mib: float
    total_mib: float
    by_pid: dict[int, float]


class Nvml:
    """Memory on all cards of this machine; close it at the end.

    Raises:
        NotApplicable: there is no card, no driver, or it does not tell of processes.
    """

    name = NAME

    def __init__(self, engine: Engine, library: Library | None = None) -> None:
        self._engine = engine
        self._library = _load() if library is None else library
        try:
            self._library.nvmlInit()
        except self._library.NVMLError as error:
            raise NotApplicable(
                f'device = "{NAME}", but no card can be asked: {error}. Is the driver '
                "of the card installed, and visible where the tests run?"
            ) from error
        count = self._library.nvmlDeviceGetCount()
        self._handles = [
            self._library.nvmlDeviceGetHandleByIndex(index) for index in range(count)
        ]
        if not self._handles:
            self.close()
            raise NotApplicable(f'device = "{NAME}", and this machine has no card.')

    def devices(self) -> list[Device]:
        """Return all devices as they are now."""
        return [self._device(*each) for each in enumerate(self._handles)]

    def of(self, process: ProcessId) -> float | None:
        """Return what it holds on all devices; 0 where it uses none, None if gone."""
        if self._engine.state(process) is None:
            return None
        held = (
            mib
            for device in self.devices()
            for pid, mib in device.by_pid.items()
            if _is(process, pid)
        )
        return sum(held, 0.0)

    def close(self) -> None:
        """Let go of the library."""
        self._library.nvmlShutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _device(self, index: int, handle: Any) -> Device:
        memory = self._library.nvmlDeviceGetMemoryInfo(handle)
        by_pid: dict[int, float] = {}
        for entry in self._library.nvmlDeviceGetComputeRunningProcesses(handle):
            if entry.usedGpuMemory is None:
                raise NotApplicable(
                    f"Device {index} does not tell how much pid {entry.pid} holds, as "
                    "in some virtual machines and partitions. Measure in main memory."
                )
            mib = by_pid.get(entry.pid, 0.0) + entry.usedGpuMemory / MIB
            by_pid[entry.pid] = mib
        return Device(
            index,
            str(self._library.nvmlDeviceGetUUID(handle)),
            memory.used / MIB,
            memory.total / MIB,
            by_pid,
        )


def _load() -> Library:
    try:
        library: Library = importlib.import_module("pynvml")
    except ImportError:
        raise NotApplicable(
            f'device = "{NAME}" needs nvidia-ml-py: pip install queueproof[nvml].'
        ) from None
    return library


def _is(process: ProcessId, pid: int) -> bool:
    """Whether this pid of the card's machine is the process, perhaps of a container.

    There it has another pid, and the kernel tells both.
    """
    ours = _namespace(os.getpid())
    if process.pid_namespace in ("", ours):
        return process.pid == pid
    if process.pid_namespace != _namespace(pid):
        return False
    try:
        lines = (_PROC / str(pid) / "status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return False
    pids = next((line.split()[1:] for line in lines if line.startswith("NSpid:")), [])
    return pids[-1:] == [str(process.pid)]


def _namespace(pid: int) -> str:
    try:
        return os.readlink(_PROC / str(pid) / "ns" / "pid")
    except OSError:
        return ""
