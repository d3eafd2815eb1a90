import inspect
import json
import multiprocessing
import time
from types import SimpleNamespace

import pytest

from reference_app import device, job_task
from reference_app.patterns.gpu_lease import DeviceBusy, holders
from reference_app.settings import settings
from reference_app.steering import generate
from reference_app.tvae import script, seed_data, work


class Context(SimpleNamespace):
    """As much of a JobContext as a device needs."""

    def report(self, percent, message):
        self.said.append(message)

    def mark(self, name):
        self.marks.append(name)

    def check_cancelled(self):
        self.checks += 1
        if self.checks > self.patience:
            raise KeyboardInterrupt


def context(job_id="a", within_s=5.0, patience=9**9):
    deadline_s = time.monotonic() + within_s
    return Context(
        job_id=job_id,
        soft_deadline_s=deadline_s,
        said=[],
        marks=[],
        checks=0,
        patience=patience,
    )


@pytest.mark.usefixtures("configured")
def test_a_second_job_waits_for_the_device_and_says_so():
    with device.held("gpu0", context("first")):
        assert "job first" in holders(device.folder(), "gpu0")[0]
        second = context("second", within_s=0.3)
        busy = device.held("gpu0", second)
        with pytest.raises(DeviceBusy, match="job first in pid"):
            busy.__enter__()
        assert second.said == ["Waiting for the accelerator"]
    third = context("third", within_s=0)
    with device.held("gpu0", third):
        assert third.marks == ["device gpu0 taken"]
    assert third.marks[1:] == ["device gpu0 given back"]
    assert second.marks == []


@pytest.mark.usefixtures("configured")
def test_one_who_waits_can_be_cancelled():
    with device.held("gpu0", context()):
        waiting = device.held("gpu0", context(patience=2))
        with pytest.raises(KeyboardInterrupt):
            waiting.__enter__()


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize(
    ("module", "name"),
    [
        (generate, "compare"),
        (generate, "sweep"),
        (work, "train"),
        (work, "generate"),
        (script, "train"),
    ],
)
def test_what_computes_holds_the_one_device_whichever_path_it_came(
    module, name, monkeypatch
):
    def body(request, context):
        return holders(device.folder(), "gpu0")

    async def later(request, context):
        return body(request, context)

    waits = inspect.iscoroutinefunction(getattr(module, name))
    monkeypatch.setattr(module, name, later if waits else body)
    # Worker and old path both get the function from here.
    function = job_task.load(f"{module.__name__}:{name}")
    assert "job a in pid" in function({}, context())[0]
    assert holders(device.folder(), "gpu0") == {}


def test_seed_data_are_made_without_it():
    assert job_task.load("reference_app.tvae.seed_data:make") is seed_data.make


def test_a_job_whose_module_names_no_device_takes_none():
    assert job_task.load("json:dumps") is json.dumps


def test_two_places_when_the_operator_says_so(configured, tmp_path):
    configured(DEVICE_SLOTS=2, DEVICE_DIR=tmp_path / "shared")
    with device.held("gpu0", context()), device.held("gpu0", context(within_s=0)):
        assert len(holders(tmp_path / "shared", "gpu0")) == 2
    assert settings().device_slots == 2


def _hold(ready):
    with device.held("gpu0", context("in another process")):
        ready.set()
        multiprocessing.Event().wait()


@pytest.mark.usefixtures("configured")
def test_a_killed_process_gives_the_device_back_at_once():
    fork = multiprocessing.get_context("fork")
    ready = fork.Event()
    process = fork.Process(target=_hold, args=[ready], daemon=True)
    process.start()
    assert ready.wait(10)
    busy = device.held("gpu0", context(within_s=0))
    with pytest.raises(DeviceBusy, match="in another process"):
        busy.__enter__()
    process.kill()
    process.join(10)
    with device.held("gpu0", context(within_s=0)):
        pass
