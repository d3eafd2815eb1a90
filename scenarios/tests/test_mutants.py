"""Each mutant still fits the source it changes."""

import ast
import difflib
import subprocess
import sys
from pathlib import Path

import pytest

from harness import load_mutants

ROOT = Path(__file__).parents[2]
MUTANTS = load_mutants(ROOT / "scenarios" / "mutants")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
def test_each_replacement_matches_once_and_leaves_python(mutant):
    sources = {}
    for change in mutant.overlay:
        source = sources.get(change.path) or (ROOT / change.path).read_text()
        assert source.count(change.old) == 1, f"{change.path}: {change.old!r}"
        sources[change.path] = source.replace(change.old, change.new)
    for source in sources.values():
        ast.parse(source)


def test_no_replacement_uses_a_name_that_is_not_there(tmp_path):
    for mutant in MUTANTS:
        changed = {}
        for change in mutant.replacements:
            source = changed.get(change.path) or (ROOT / change.path).read_text()
            changed[change.path] = source.replace(change.old, change.new)
        for path, source in changed.items():
            if path.endswith(".py"):
                copy = tmp_path / mutant.name / path
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_text(source)
    undefined = ["check", "--isolated", "--select", "F821", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *undefined], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_there_is_a_healthy_noop_of_each_mechanism():
    healthy = [m for m in MUTANTS if m.healthy]
    assert any(m.env for m in healthy)
    assert any(m.command for m in healthy)
    assert any(m.overlay for m in healthy)


def _changed_lines(mutant):
    """Return (file, line) of each line that a mutant changes, or inserts before."""
    found = set()
    for change in mutant.replacements:
        source = (ROOT / change.path).read_text()
        changed = source.replace(change.old, change.new)
        one, other = source.splitlines(), changed.splitlines()
        matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
        for what, begin, end, _, _ in matcher.get_opcodes():
            if what != "equal":
                lines = range(begin, max(end, begin + 1))
                found |= {(change.path, line + 1) for line in lines}
    return found


def test_no_two_mutants_of_a_contract_change_the_same_line():
    taken = {}
    for mutant in (m for m in MUTANTS if not m.healthy):
        for place in _changed_lines(mutant):
            other = taken.setdefault((mutant.contract, *place), mutant.name)
            assert other == mutant.name, f"{other} and {mutant.name}: {place}"
