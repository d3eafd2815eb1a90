"""Scenarios in several pytest processes at once, in real ones of xdist."""

import json
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

SCENARIOS = """
import os
import pytest

pytestmark = pytest.mark.contract("terminal.exactly-one")

def tell(history, *events):
    # All of it at the start: a machine that stalls from here on casts no doubt.
    told = dict(source="driver", job="a", t=0.0)
    history.record(kind="submitted", **told, job_kind="short", accepted=True)
    history.record(kind="subscribed", **told, subscriber="anna", late=False)
    for seq, event in enumerate(events):
        data = dict(subscriber="anna", event=event, seq=seq, attempt=1)
        history.record(kind="event", **told, **data)

"""

TARGET = """
app = "shop.broker:app"
[commands]
api = "{python} -m shop"
[job.short]
[api]
status = "GET /jobs/{job}"
[socket]
subscribe = "subscribe"
[bounds."terminal.exactly-one"]
quiet_s = 0.05
"""

HOLDS = """
@pytest.mark.parametrize("number", range(4))
def test_it(history, number):
    tell(history, 'progress', 'completed')
"""
TWICE = "def test_twice(history):\n    tell(history, 'completed', 'completed')\n"
BROKEN = "def test_broken(history):\n    raise RuntimeError('our mistake')\n"
DIES = "def test_dies(history):\n    os._exit(1)\n"

MUTANT = """
from harness import Mutant
MUTANT = Mutant("told-wrong", "terminal.exactly-one", "x", env={"A": "1"})
"""


@pytest.fixture
def project(pytester, monkeypatch):
    """A project whose tests run in xdist's processes; no other plugin is loaded."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "harness.plugin,xdist.plugin")
    # The outer run has imported the plugin, which the inner one would rewrite.
    ignored = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"
    pytester.makepyprojecttoml(
        f"[tool.pytest.ini_options]\nfilterwarnings = ['error', '{ignored}']"
    )
    folder = pytester.mkdir("scenarios")
    (folder / "target.toml").write_text(TARGET)
    (folder / "mutants").mkdir()
    (folder / "mutants" / "terminal_wrong.py").write_text(MUTANT)

    def run(body, *options, processes=1):
        (folder / "test_told.py").write_text(SCENARIOS + body)
        # Only the controller is here; the tests run in processes that it starts.
        return pytester.runpytest_inprocess("-n", str(processes), *options)

    run.path = pytester.path
    return run


def latest(project):
    return json.loads((project.path / ".qp/latest/verdicts.json").read_text())


# A run of xdist takes seconds, so each of these looks at all that its run can show.


def test_the_verdicts_of_all_processes_are_one_run(project):
    also = '@pytest.mark.contract("schedule.one-run-per-slot")'
    result = project(also + HOLDS, processes=2)

    assert result.ret == 0
    result.stdout.fnmatch_lines(["terminal.exactly-one*PROG-002*holds*4*"])
    assert [run.name for run in (project.path / ".qp" / "runs").iterdir()] == [
        (project.path / ".qp" / "latest").resolve().name
    ]
    verdicts = latest(project)
    assert verdicts["exit_code"] == 0
    assert list(verdicts["not_applicable"]) == ["schedule.one-run-per-slot"]
    assert len(verdicts["tests"]) == 4
    folders = [Path(test["folder"]) for test in verdicts["tests"]]
    assert {folder.parts[0] for folder in folders} == {"gw0", "gw1"}
    for folder in folders:
        assert (project.path / ".qp/latest" / folder / "history.jsonl").exists()


def test_a_violation_in_one_process_is_the_runs_and_may_end_it(project):
    result = project(TWICE + HOLDS, "-x")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["terminal.exactly-one VIOLATED*"])
    result.stdout.fnmatch_lines(["*evidence*gw?/test_told--test_twice/history.jsonl*"])
    verdicts = latest(project)
    assert verdicts["contracts"]["terminal.exactly-one"]["status"] == "violated"
    assert verdicts["exit_code"] == 1
    assert len(verdicts["tests"]) < 5


def test_an_error_in_one_process_and_its_death_are_the_runs(project):
    result = project(HOLDS + BROKEN + DIES, "--max-worker-restart", "0")

    assert result.ret == 4
    told = "\n".join(latest(project)["errors"])
    assert "RuntimeError: our mistake" in told
    assert "crashed while running" in told


def test_wrong_use_is_said_once_and_exits_with_2(project):
    result = project(HOLDS, "--mutant", "told-rong")

    assert result.ret == 2
    assert "Did you mean 'told-wrong'" in result.stdout.str() + result.stderr.str()


def test_a_caught_mutant_stops_all_processes(project):
    more = HOLDS.replace("range(4)", "range(100)").replace("test_it", "test_more")

    result = project(TWICE + more, "--mutant", "told-wrong", processes=2)

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*mutant told-wrong was caught*"])
    verdicts = latest(project)
    assert verdicts["mutant"] == "told-wrong"
    assert verdicts["exit_code"] == 1
    assert len(verdicts["tests"]) < 100


def test_each_process_has_a_stack_of_its_own(project):
    target = Path(__file__).parent / "apps" / "target.toml"
    body = """
import pytest
pytestmark = pytest.mark.contract('time_limit.deployed-pool-enforces')

@pytest.mark.parametrize("number", range(2))
def test_limited(agent, target, history, number):
    task = agent.probe(
        'sleep', seconds=3, queue=target.queues[0], soft_s=1, hard_s=2)
    history.settle(task, within_s=20)
"""
    result = project(body, f"--target={target}", processes=2)

    assert result.ret == 0
    run = project.path / ".qp" / "latest"
    stacks = sorted(str(at.relative_to(run)) for at in run.glob("**/stacks/*"))
    assert stacks == ["gw0/stacks/1", "gw1/stacks/1"]
    assert latest(project)["environment"]["pool"] == "prefork"
