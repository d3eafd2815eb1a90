"""The templates of ci/github and ci/gitlab: what they name exists, and they block."""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
GITHUB = ROOT / "ci" / "github" / "queueproof.yml"
GITLAB = ROOT / "ci" / "gitlab" / "queueproof.gitlab-ci.yml"

HELD = "terminal.exactly-one"


def _github():
    return yaml.safe_load(GITHUB.read_text())


def _gitlab():
    return yaml.safe_load(GITLAB.read_text())


def _step(name):
    steps = _github()["jobs"]["contracts"]["steps"]
    (found,) = [step for step in steps if step.get("name") == name]
    return found


#: The lines of shell by which each template blocks.
GATES = {
    "github": lambda: _step("Gate")["run"],
    "gitlab": lambda: "\n".join(_gitlab()[".gate"]["script"]),
}

#: All lines of shell of each template.
LINES = {
    "github": lambda: [
        line
        for step in _github()["jobs"]["contracts"]["steps"]
        for line in step.get("run", "").splitlines()
    ],
    "gitlab": lambda: [
        line
        for key in ("before_script", "script", "after_script")
        for line in [*_gitlab()[".scenarios"][key], *_gitlab()[".gate"].get(key, ())]
    ],
}


@pytest.fixture
def checkout(tmp_path):
    """A project that has copied the gate, and agreed on one contract."""
    (tmp_path / "ci").mkdir()
    shutil.copy(ROOT / "ci" / "gate.py", tmp_path / "ci")
    agreed = f'judged = ["{HELD}"]\n[not_applicable]\n'
    (tmp_path / "ci" / "agreed.toml").write_text(agreed)
    return tmp_path


def _block(template, checkout, status=None):
    """Run a template's gate as its runner does; return exit code and output."""
    if status is not None:
        contract = {"status": status, "tests": ["scenarios/test_a.py::test_b"]}
        run = {"schema": 1, "contracts": {HELD: contract}}
        path = checkout / ".qp" / "run" / "verdicts.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(run))
    # Neither the project nor its packages are there: the gate needs Python alone.
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", GATES[template]()],
        cwd=checkout,
        env={"PATH": f"{BIN}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("template", GATES)
def test_a_gate_lets_pass_what_holds(template, checkout):
    assert _block(template, checkout, "holds")[0] == 0


@pytest.mark.parametrize("template", GATES)
@pytest.mark.parametrize("status", ["violated", "inconclusive"])
def test_a_gate_blocks_what_does_not_hold(template, checkout, status):
    code, told = _block(template, checkout, status)
    assert code == 1
    assert f"{HELD} is {status}" in told


@pytest.mark.parametrize("template", GATES)
def test_a_gate_blocks_where_no_verdicts_are(template, checkout):
    code, told = _block(template, checkout)
    assert code == 1
    assert "missing" in told


def test_what_comes_after_the_scenarios_runs_when_they_failed():
    steps = _github()["jobs"]["contracts"]["steps"]
    names = [step.get("name") for step in steps]
    after = steps[names.index("Scenarios") + 1 :]
    assert {step["if"] for step in after} == {"${{ !cancelled() }}"}
    assert all("continue-on-error" not in step for step in steps)
    told = _gitlab()
    assert told[".gate"]["when"] == told[".scenarios"]["artifacts"]["when"] == "always"
    assert all("allow_failure" not in job for job in told.values() if "stage" in job)


def test_both_engines_run_and_each_has_its_gate():
    matrix = _github()["jobs"]["contracts"]["strategy"]["matrix"]
    assert matrix["engine"] == ["process", "container"]
    jobs = _gitlab()
    engines = {
        name: job["variables"]["ENGINE"]
        for name, job in jobs.items()
        if isinstance(job, dict) and job.get("extends") == ".scenarios"
    }
    assert sorted(engines.values()) == ["container", "process"]
    gated = {
        need["job"]
        for job in jobs.values()
        if isinstance(job, dict) and job.get("extends") == ".gate"
        for need in job["needs"]
        if need["artifacts"]
    }
    assert gated == engines.keys()


def test_evidence_is_kept():
    evidence = _step("Evidence")["with"]
    assert evidence["path"] == ".qp/run"
    # A folder whose name begins with a dot is left out otherwise.
    assert evidence["include-hidden-files"] is True
    artifacts = _gitlab()[".scenarios"]["artifacts"]
    assert artifacts["paths"] == [".qp/run"]
    assert artifacts["reports"] == {"junit": ".qp/run/junit.xml"}


def test_actions_and_images_are_pinned_by_version():
    steps = _github()["jobs"]["contracts"]["steps"]
    used = [step["uses"] for step in steps if "uses" in step]
    assert used
    for name in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+\.\d+\.\d+", name), name
    for template in (GITHUB, GITLAB):
        assert "latest" not in template.read_text()


@pytest.mark.parametrize("template", [GITHUB, GITLAB], ids=["github", "gitlab"])
def test_the_package_is_the_one_of_this_project(template):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = yaml.safe_load(template.read_text())
    wanted = (wanted.get("env") or wanted["variables"])["QUEUEPROOF"]
    name, extras, version = re.fullmatch(r"(\w+)\[([\w,]+)\]==(.+)", wanted).groups()
    assert (name, version) == (project["name"], project["version"])
    assert set(extras.split(",")) <= project["optional-dependencies"].keys()


@pytest.mark.parametrize("template", LINES)
def test_the_commands_that_are_named_exist_with_their_options(template):
    lines = [line for line in LINES[template]() if not line.startswith(". ")]
    named = {line.split()[0] for line in lines}
    assert named <= {"python", "python3", "pytest", "queueproof"}
    for line in lines:
        words = line.split()
        options = [word for word in words if word.startswith("--")]
        if words[0] == "queueproof":
            told = _help("queueproof", words[1])
        elif words[0] == "pytest":
            told = _help("pytest")
        else:
            continue
        assert [option for option in options if option not in told] == [], line


@functools.cache  # a second each
def _help(command, *words):
    done = subprocess.run(
        [BIN / command, *words, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
