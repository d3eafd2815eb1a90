"""`.ci/run`: what it names exists; two stages at once fail when one of them does."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUN = ROOT / ".ci" / "run"

#: What no change may take out of it: all unit tests, both engines, the gates.
MUST = (
    "make test",
    "make scenarios ENGINE=container",
    "ci.gate",
    "ci.same_verdicts",
    "ci.features --seen",
    "ci.mutants --one-per-contract",
    "ci.kill_gate",
)


def _bash(script):
    """Run a script after the functions of .ci/run; return exit code and output."""
    functions = re.findall(r"^\w+\(\) \{.*?^\}", RUN.read_text(), re.M | re.S)
    done = subprocess.run(
        ["bash", "-c", "\n".join(["set -euo pipefail", *functions, script])],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stdout


def test_two_stages_run_at_once_and_each_speaks_in_one_piece(tmp_path):
    """Each waits for a file of the other's: one after the other would never end."""
    one, other = tmp_path / "one", tmp_path / "other"
    code, told = _bash(
        f'at_once "echo a; touch {one}; until test -e {other}; do :; done; echo b" '
        f'"touch {other}; until test -e {one}; do :; done; echo c"'
    )
    assert (code, told.split()) == (0, ["a", "b", "c"])


@pytest.mark.parametrize("stages", ['"exit 3" "echo b"', '"echo b" "exit 3"'])
def test_a_stage_that_fails_ends_it_after_both_have_spoken(stages):
    code, told = _bash(f"took at_once {stages}; echo never")
    assert code == 3
    assert told.split()[0] == "b"
    assert "never" not in told.splitlines()
    assert re.search(r"^ci: \d+ s, \d+ s computing: at_once ", told, re.MULTILINE)


def test_what_a_stage_took_is_told():
    told = _bash("took true")[1]
    assert re.fullmatch(r"ci: \d+ s, \d+ s computing: true\n", told)


def test_what_is_named_exists_and_is_a_rung_of_the_ladder():
    text = RUN.read_text()
    ladder = (ROOT / "ci" / "README.md").read_text()
    targets = set(re.findall(r"make (\w+)", text)) - {"test"}
    modules = set(re.findall(r"-m (ci\.\w+)|python -m (ci\.\w+)", text))
    scripts = set(re.findall(r"ci/\w+\.sh", text)) - {"ci/engine.sh"}
    makefile = (ROOT / "Makefile").read_text()
    for target in targets:
        assert f"\n{target}: " in makefile, target
        assert f"`make {target}" in ladder, target
    names = {name for found in modules for name in found if name}
    assert names
    for name in names:
        assert (ROOT / f"{name.replace('.', '/')}.py").is_file(), name
        assert f"`python -m {name}" in ladder, name
    for script in scripts:
        assert f"`{script}" in ladder, script


@pytest.mark.parametrize("gate", MUST)
def test_no_gate_that_must_be_there_is_lost(gate):
    assert gate in RUN.read_text()


def test_it_is_a_script_that_bash_reads():
    assert RUN.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", RUN], check=True)
