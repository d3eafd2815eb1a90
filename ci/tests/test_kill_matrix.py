import json

import pytest
from rich.console import Console

from ci import kill_matrix
from ci.kill_matrix import matrix, read, row_of, show, write

OWN = "terminal.exactly-one"
MUTANT = {"name": "m", "contract": OWN, "healthy": False, "mechanism": "env"}
NOOP = MUTANT | {"name": "noop", "healthy": True}
TEST = "scenarios/test_a.py::test_b[x]"


def _run(status, **others):
    contracts = {OWN: {"status": status}}
    contracts |= {f"result.{id}": {"status": s} for id, s in others.items()}
    summary = "clara saw 2 endings, in 1.5 s. One would do."
    said = {"contract": OWN, "status": status, "summary": summary}
    return {"contracts": contracts, "tests": [{"test": TEST, "verdicts": [said]}]}


def test_a_mutant_is_caught_by_its_own_contract_and_the_scenario_is_named():
    row = row_of(MUTANT, 1, _run("violated", other="holds"), 12.34)
    assert row["outcome"] == "caught"
    assert row["test"] == TEST
    assert row["summary"] == "clara saw 2 endings, in 1.5 s."
    assert row["seconds"] == 12.3
    assert row["verdicts"] == {OWN: "violated", "result.other": "holds"}


@pytest.mark.parametrize(
    ("exit_code", "run"),
    [
        (0, _run("holds")),
        (3, _run("inconclusive")),
        (4, _run("violated")),
        (1, _run("inconclusive", other="violated")),
        (1, {"contracts": {"result.other": {"status": "violated"}}}),
        (1, None),
        (-1, None),
    ],
)
def test_a_crash_a_time_out_or_another_contract_does_not_catch_it(exit_code, run):
    row = row_of(MUTANT, exit_code, run, 1.0)
    assert row["outcome"] == "alive"
    assert row["why"].startswith(f"exit {exit_code}, {OWN}")
    assert row["test"] == ""


def test_a_noop_must_hold():
    assert row_of(NOOP, 0, _run("holds"), 1.0)["outcome"] == "holds"
    assert row_of(NOOP, 0, None, 1.0)["outcome"] == "broke"
    assert row_of(NOOP, 1, _run("violated"), 1.0)["outcome"] == "broke"


def _content():
    rows = [
        row_of(NOOP, 0, _run("holds"), 5.0),
        row_of(MUTANT, 1, _run("violated", other="violated"), 7.0),
        row_of(MUTANT | {"name": "left"}, 3, _run("inconclusive"), 9.0),
    ]
    return matrix(rows, seconds=21.0, seed=4, not_run=["another"])


def test_the_file_tells_who_noticed_what_and_what_did_not_run(tmp_path):
    path = tmp_path / "new" / "mutants.json"
    write(path, _content())
    content = read(path)
    assert content["matrix"] == {
        OWN: {"left": "inconclusive", "m": "violated", "noop": "holds"},
        "result.other": {"m": "violated"},
    }
    assert content["totals"] == {
        "mutants": 2,
        "caught": 1,
        "alive": 1,
        "noops": 1,
        "noops_held": 1,
        "contracts": 1,
        "contracts_that_caught_one": 1,
    }
    assert (content["seed"], content["not_run"]) == (4, ["another"])


@pytest.mark.parametrize(
    "text", ["", "[]", '{"schema": 1}', '{"schema": 1, "mutants": [{"name": "m"}]}']
)
def test_a_damaged_file_is_refused(tmp_path, text):
    path = tmp_path / "mutants.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="no kill matrix"):
        read(path)


def test_another_schema_is_refused(tmp_path):
    path = tmp_path / "mutants.json"
    path.write_text(json.dumps(_content() | {"schema": kill_matrix.SCHEMA + 1}))
    with pytest.raises(ValueError, match="has schema 2"):
        read(path)


def test_the_table_has_a_line_per_mutant_under_its_contract(capsys):
    show(_content(), Console(width=160))
    shown = capsys.readouterr().out
    assert shown.count(OWN) == 2, "its lines share a name; an alive one says why"
    assert "test_b[x]" in shown
    assert "result.other" in shown
    assert "exit 3" in shown
    assert "1 of 2 mutants caught, 1 of 1 noops hold" in shown
