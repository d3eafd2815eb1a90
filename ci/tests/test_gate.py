import json
import tomllib

import pytest

from ci.gate import AGREED, main, objections

HELD = "terminal.exactly-one"
LEFT = "schedule.one-run-per-slot"


@pytest.fixture
def agreed(tmp_path):
    path = tmp_path / "agreed.toml"
    path.write_text(f'judged = ["{HELD}"]\n[not_applicable]\n"{LEFT}" = "no beat"\n')
    return path


def _run(tmp_path, status="holds", **changes):
    contract = {"status": status, "tests": ["scenarios/test_a.py::test_b"]}
    content = {
        "schema": 1,
        "contracts": {HELD: contract},
        "not_applicable": {LEFT: "it has no beat"},
        "not_asked": [],
    } | changes
    path = tmp_path / "verdicts.json"
    path.write_text(json.dumps(content))
    return path


def test_a_run_in_which_everything_holds_as_agreed_passes(tmp_path, agreed):
    assert objections(_run(tmp_path), agreed) == []
    assert main([str(_run(tmp_path)), str(agreed)]) == 0


@pytest.mark.parametrize("status", ["violated", "inconclusive"])
def test_a_verdict_that_does_not_hold_blocks_and_is_named(tmp_path, agreed, status):
    (objection,) = objections(_run(tmp_path, status), agreed)
    assert HELD in objection
    assert status in objection


def test_a_missing_file_blocks(tmp_path):
    assert "missing" in objections(tmp_path / "verdicts.json")[0]


@pytest.mark.parametrize(
    "changes",
    [{"contracts": {}}, {"schema": 2}, {"errors": ["boom"]}, {"mutant": "x"}],
)
def test_a_run_that_judged_nothing_or_something_else_blocks(tmp_path, agreed, changes):
    assert objections(_run(tmp_path, **changes), agreed)


def test_a_damaged_file_blocks(tmp_path):
    path = tmp_path / "verdicts.json"
    path.write_text('{"schema": 1')
    assert objections(path)


OTHER = {HELD: {"status": "holds", "tests": []}, LEFT: {"status": "holds", "tests": []}}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"not_applicable": {LEFT: "x", HELD: "no API"}, "contracts": {}}, "no API"),
        ({"contracts": {}, "not_asked": [HELD]}, "not asked for"),
        ({"not_applicable": {}, "not_asked": [LEFT]}, "not even asked for"),
        ({"not_applicable": {}, "contracts": OTHER}, "and was judged"),
        ({"not_asked": ["retry.new"]}, "retry.new is neither"),
        ({"not_applicable": {LEFT: "x", "retry.new": "y"}}, "retry.new is neither"),
        ({"contracts": {**OTHER, "retry.new": OTHER[HELD]}}, "retry.new is neither"),
    ],
)
def test_a_contract_that_is_not_where_it_was_agreed_to_be_blocks(
    tmp_path, agreed, changes, says
):
    assert says in "\n".join(objections(_run(tmp_path, **changes), agreed))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "judged = [",
        f'judged = ["{HELD}"]\n[not_applicable]\n"{LEFT}" = " "\n',
        f'judged = ["{HELD}", "{LEFT}"]\n[not_applicable]\n"{LEFT}" = "no beat"\n',
    ],
    ids=["empty", "damaged", "no-reason", "in-both"],
)
def test_an_agreement_that_says_nothing_blocks(tmp_path, agreed, text):
    agreed.write_text(text)
    assert objections(_run(tmp_path), agreed)
    agreed.unlink()
    assert objections(_run(tmp_path), agreed)


def test_the_agreement_of_this_project_is_not_empty_and_gives_its_reasons():
    told = tomllib.loads(AGREED.read_text())
    assert told["judged"] == sorted(set(told["judged"]))
    assert len(told["judged"]) > 10
    for reason in told["not_applicable"].values():
        assert len(reason.split()) > 10


def test_wrong_use_does_not_pass(capsys):
    assert main([]) == 1
    assert "usage" in capsys.readouterr().out
