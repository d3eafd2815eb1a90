import json

import pytest

from ci.kill_gate import main, objections

HELD, OTHER = "terminal.exactly-one", "result.ready-when-announced"


@pytest.fixture
def agreed(tmp_path):
    path = tmp_path / "agreed.toml"
    path.write_text(f'judged = ["{HELD}"]\n[not_applicable]\n')
    return path


def _matrix(tmp_path, *outcomes, contract=HELD, **changes):
    rows = [
        {"name": f"m{n}", "contract": contract, "outcome": outcome, "why": "exit 3"}
        for n, outcome in enumerate(outcomes)
    ]
    totals = {"caught": outcomes.count("caught")}
    content = {"schema": 1, "totals": totals, "not_run": ["a", "b"], "mutants": rows}
    path = tmp_path / "mutants.json"
    path.write_text(json.dumps(content | changes))
    return path


def test_a_contract_that_caught_its_mutant_passes(tmp_path, agreed, capsys):
    path = _matrix(tmp_path, "caught", "holds")
    assert objections(path, agreed) == []
    assert main([str(path), str(agreed)]) == 0
    assert "2 not run" in capsys.readouterr().out


@pytest.mark.parametrize("outcome", ["alive", "broke", "who knows"])
def test_whatever_did_not_come_out_as_it_must_blocks_and_is_named(
    tmp_path, agreed, outcome
):
    (objection,) = objections(_matrix(tmp_path, "caught", outcome), agreed)
    assert objection == f"m1 of {HELD} is {outcome}: exit 3"


@pytest.mark.parametrize(
    ("outcomes", "contract"), [([], HELD), (["holds"], HELD), (["caught"], OTHER)]
)
def test_a_contract_without_a_killed_mutant_blocks(
    tmp_path, agreed, outcomes, contract
):
    (objection,) = objections(_matrix(tmp_path, *outcomes, contract=contract), agreed)
    assert objection == f"{HELD} caught 0 of its mutants, at least 1 must be"


def test_a_release_can_ask_for_two_of_each_contract(tmp_path, agreed):
    one, two = ["caught"], ["caught", "caught"]
    assert objections(_matrix(tmp_path, *one), agreed, 2)
    assert main([str(_matrix(tmp_path, *one)), str(agreed), "--per-contract", "2"]) == 1
    assert main([str(_matrix(tmp_path, *two)), str(agreed), "--per-contract", "2"]) == 0


def test_a_missing_or_damaged_file_blocks(tmp_path, agreed):
    path = tmp_path / "mutants.json"
    assert "missing" in objections(path, agreed)[0]
    path.write_text('{"schema": 1')
    assert objections(path, agreed)
    assert objections(_matrix(tmp_path, "caught", schema=2), agreed)


@pytest.mark.parametrize("text", ["", "judged = [", "judged = []"])
def test_an_agreement_that_says_nothing_blocks(tmp_path, agreed, text):
    agreed.write_text(text)
    assert objections(_matrix(tmp_path, "caught"), agreed)
    agreed.unlink()
    assert objections(_matrix(tmp_path, "caught"), agreed)


@pytest.mark.parametrize("argv", [[], ["x.json", "--per-contract", "0"]])
def test_wrong_use_exits_2(argv):
    with pytest.raises(SystemExit) as end:
        main(argv)
    assert end.value.code == 2
