"""Each mutant still fits the source it changes."""

import ast
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


def test_there_is_a_healthy_noop_of_each_mechanism():
    healthy = [m for m in MUTANTS if m.healthy]
    assert any(m.env for m in healthy)
    assert any(m.command for m in healthy)
    assert any(m.overlay for m in healthy)
