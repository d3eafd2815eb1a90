"""The probe of a card, on a library that we made: its rules need no card."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from harness.engines import ProcessId
from harness.errors import NotApplicable
from harness.probes import memory, nvml

GIB = 2**30


class Library:
    """As much of pynvml as the probe uses; `cards` is [{pid: bytes}, ...]."""

    class NVMLError(Exception):
        pass

    def __init__(self, *cards):
        self.cards = [dict(card) for card in cards]
        self.open = 0

    def nvmlInit(self):
        self.open += 1

    def nvmlShutdown(self):
        self.open -= 1

    def nvmlDeviceGetCount(self):
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, index):
        return index

    def nvmlDeviceGetUUID(self, handle):
        return f"GPU-{handle}"

    def nvmlDeviceGetMemoryInfo(self, handle):
        used = sum(amount or 0 for amount in self.cards[handle].values())
        return SimpleNamespace(used=used + GIB, total=80 * GIB)

    def nvmlDeviceGetComputeRunningProcesses(self, handle):
        return [
            SimpleNamespace(pid=pid, usedGpuMemory=amount)
            for pid, amount in self.cards[handle].items()
        ]


class Engine:
    """Knows which processes live."""

    def __init__(self, *pids):
        self._pids = pids

    def state(self, process):
        return "S" if process.pid in self._pids else None


def test_a_process_holds_what_it_holds_on_all_cards():
    library = Library({10: 3 * GIB, 11: GIB}, {10: GIB})
    with nvml.Nvml(Engine(10, 11, 12), library) as probe:
        held = [probe.of(ProcessId(pid, 1)) for pid in (10, 11, 12, 13)]
        assert held == [4096.0, 1024.0, 0.0, None]
        assert library.open == 1
    assert library.open == 0


def test_a_device_tells_what_is_used_and_by_whom():
    probe = nvml.Nvml(Engine(), Library({10: 3 * GIB}))
    (device,) = probe.devices()
    assert (device.index, device.uuid) == (0, "GPU-0")
    assert (device.used_mib, device.total_mib) == (4096.0, 80 * 1024.0)
    assert device.by_pid == {10: 3072.0}


def test_a_card_that_keeps_its_processes_to_itself_is_said_and_not_taken_for_zero():
    probe = nvml.Nvml(Engine(10), Library({10: None}))
    with pytest.raises(NotApplicable, match="does not tell how much pid 10 holds"):
        probe.of(ProcessId(10, 1))


def test_without_a_card_or_a_driver_it_says_so_and_lets_go():
    library = Library()
    with pytest.raises(NotApplicable, match="has no card"):
        nvml.Nvml(Engine(), library)
    assert library.open == 0

    def init():
        raise Library.NVMLError("NVML Shared Library Not Found")

    library.nvmlInit = init
    with pytest.raises(NotApplicable, match=r"Library Not Found\. Is the driver"):
        nvml.Nvml(Engine(), library)


def test_without_nvidia_ml_py_it_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(NotApplicable, match=r"pip install queueproof\[nvml\]"):
        nvml.Nvml(Engine())


def test_a_process_of_a_container_is_found_by_its_namespace(tmp_path, monkeypatch):
    monkeypatch.setattr(nvml, "_PROC", tmp_path)
    for pid, inside in ((5000, 7), (5001, 8)):
        folder = tmp_path / str(pid)
        (folder / "ns").mkdir(parents=True)
        (folder / "ns" / "pid").symlink_to("pid:[42]")
        (folder / "status").write_text(f"Name:\tpython\nNSpid:\t{pid}\t{inside}\n")
    probe = nvml.Nvml(Engine(7, 8, 5000), Library({5000: GIB, 5001: 2 * GIB}))
    assert probe.of(ProcessId(7, 1, "pid:[42]")) == 1024.0
    assert probe.of(ProcessId(8, 1, "pid:[42]")) == 2048.0
    assert probe.of(ProcessId(7, 1, "pid:[43]")) == 0.0


def test_who_uses_no_card_does_not_make_a_look_unsteady(process_engine, sleeper):
    process = sleeper()
    probe = nvml.Nvml(process_engine, Library({}))
    seen = memory.Members(process_engine, probe).look(process)
    assert (seen.steady, seen.mib, len(seen.shares)) == (True, 0.0, 1)


def test_nobody_who_does_not_ask_for_a_card_loads_its_library():
    code = "import sys, harness.probes; assert 'pynvml' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
