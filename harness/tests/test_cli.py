import json

import pytest
from click.testing import CliRunner

from harness import cli
from harness.tests.test_rejudge import stored_test


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Call the command in an empty folder with one scenario and one mutant."""
    monkeypatch.chdir(tmp_path)
    mutants = tmp_path / "scenarios" / "mutants"
    mutants.mkdir(parents=True)
    (tmp_path / "scenarios" / "test_terminal.py").write_text(
        "import pytest\n"
        "@pytest.mark.contract('terminal.exactly-one')\n"
        "def test_it(driver): ...\n"
    )
    (mutants / "terminal_twice.py").write_text(
        "from harness import Mutant\n"
        "MUTANT = Mutant('terminal-twice', 'terminal.exactly-one', 'seen in the wild',"
        " env={'A': '1'})\n"
    )

    def run(*words):
        return CliRunner().invoke(cli.cli, words)

    return run


def test_contracts_tell_claim_bounds_scenarios_and_mutants(call):
    answer = call("contracts")
    assert answer.exit_code == 0
    assert "terminal.exactly-one  PROG-002" in answer.output
    assert "scenarios: test_terminal.py::test_it" in answer.output
    assert "mutants: terminal-twice" in answer.output


def test_contracts_as_json_can_be_read_by_a_pipeline(call):
    rows = json.loads(call("contracts", "--json").output)["contracts"]
    row = next(row for row in rows if row["id"] == "terminal.exactly-one")
    assert row["scenarios"] == ["test_terminal.py::test_it"]
    assert row["mutants"] == ["terminal-twice"]
    assert row["bounds"]["quiet_s"]["default"] == 1.0


def test_mutants_tell_how_and_who_must_notice(call):
    answer = call("mutants")
    assert "terminal-twice  env · must violate terminal.exactly-one" in answer.output
    (row,) = json.loads(call("mutants", "--json").output)["mutants"]
    assert row["mechanism"] == "env"


@pytest.mark.parametrize(("endings", "code"), [(1, 0), (2, 1), (0, 3)])
def test_judging_again_answers_with_the_exit_code(call, tmp_path, endings, code):
    stored_test(tmp_path / "run" / "one", endings)
    answer = call("judge", "run")
    assert answer.exit_code == code
    assert "terminal.exactly-one" in answer.output
    report = json.loads(call("judge", "run", "--json").output)
    assert report["exit_code"] == code
    assert report["tests"][0]["test"] == "test_x.py::test_y"


def test_wrong_use_is_one_sentence_and_exit_code_2(call, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["queueproof", "judge", str(tmp_path)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("queueproof: No history.jsonl")


def test_a_crash_is_never_taken_for_a_violation(monkeypatch, capsys):
    monkeypatch.setattr(cli, "cli", lambda: 1 / 0)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 4
    assert "ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["contracts"], ["mutants"], ["judge"]])
def test_help_teaches(call, words):
    answer = call(*words, "--help")
    assert answer.exit_code == 0
    assert "Exit codes: 0 all hold" in " ".join(answer.output.split())
