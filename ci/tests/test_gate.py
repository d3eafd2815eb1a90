import json

import pytest

from ci.gate import objections


def _run(tmp_path, status="holds", **changes):
    contract = {"status": status, "tests": ["scenarios/test_a.py::test_b"]}
    content = {"schema": 1, "contracts": {"terminal.exactly-one": contract}} | changes
    path = tmp_path / "verdicts.json"
    path.write_text(json.dumps(content))
    return path


def test_a_run_in_which_everything_holds_passes(tmp_path):
    assert objections(_run(tmp_path)) == []


@pytest.mark.parametrize("status", ["violated", "inconclusive"])
def test_a_verdict_that_does_not_hold_blocks_and_is_named(tmp_path, status):
    (objection,) = objections(_run(tmp_path, status))
    assert "terminal.exactly-one" in objection
    assert status in objection


def test_a_missing_file_blocks(tmp_path):
    assert "missing" in objections(tmp_path / "verdicts.json")[0]


@pytest.mark.parametrize(
    "changes",
    [{"contracts": {}}, {"schema": 2}, {"errors": ["boom"]}, {"mutant": "x"}],
)
def test_a_run_that_judged_nothing_or_something_else_blocks(tmp_path, changes):
    assert objections(_run(tmp_path, **changes))


def test_a_damaged_file_blocks(tmp_path):
    path = tmp_path / "verdicts.json"
    path.write_text('{"schema": 1')
    assert objections(path)
