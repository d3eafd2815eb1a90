import json
import time

import pytest
from click.testing import CliRunner

from harness import cli
from harness.report.tests.long_story import long_story
from harness.tests.test_rejudge import stored_test

#: Seconds of work for a page of 10,000 observations; typical 0.6.
WRITTEN_WITHIN_S = 3.0


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Call the command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(cli.cli, ["report", *words])


def refused(monkeypatch, capsys, *words) -> str:
    """Return the sentence with which the command refuses, with exit code 2."""
    monkeypatch.setattr("sys.argv", ["queueproof", "report", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("endings", [0, 1, 2])
def test_the_page_is_written_whatever_the_verdict(call, tmp_path, endings):
    stored_test(tmp_path / "run" / "one", endings)
    answer = call("run")
    assert answer.exit_code == 0
    path, size, unit, *_ = answer.output.split()
    assert (path, unit) == ("run/report.html", "MB")
    assert float(size) > 0
    assert "test_x.py::test_y" in (tmp_path / path).read_text()


def test_the_latest_run_is_the_default(call, tmp_path):
    stored_test(tmp_path / ".qp" / "latest" / "one")
    assert call().exit_code == 0
    assert (tmp_path / ".qp" / "latest" / "report.html").is_file()


def test_a_single_history_and_another_place_can_be_named(call, tmp_path):
    stored_test(tmp_path / "one")
    answer = call("one/history.jsonl", "--out", "pages/it.html")
    assert answer.output.startswith("pages/it.html")
    assert (tmp_path / "pages" / "it.html").is_file()


def test_stored_words_of_the_run_are_in_the_page(call, tmp_path):
    stored_test(tmp_path / "run" / "one")
    about = {"schema": 1, "environment": {"celery": "9.9.9"}, "notes": ["so it was"]}
    (tmp_path / "run" / "verdicts.json").write_text(json.dumps(about))
    call("run")
    page = (tmp_path / "run" / "report.html").read_text()
    assert "9.9.9" in page
    assert "so it was" in page


def test_a_run_that_is_missing_is_refused(tmp_path, monkeypatch, capsys):
    said = refused(monkeypatch, capsys, str(tmp_path / "nowhere"))
    assert "No history.jsonl" in said
    assert "nowhere" in said


def test_a_folder_without_history_is_refused(tmp_path, monkeypatch, capsys):
    assert "No history.jsonl" in refused(monkeypatch, capsys, str(tmp_path))


@pytest.mark.parametrize("file", ["history.jsonl", "verdicts.json"])
def test_another_schema_is_refused(tmp_path, monkeypatch, capsys, file):
    folder = stored_test(tmp_path / "one")
    path = folder / file
    if file == "history.jsonl":
        path.write_text(path.read_text().replace('"schema": 1', '"schema": 0'))
    else:
        path.write_text('{"schema": 0, "verdicts": []}')
    said = refused(monkeypatch, capsys, str(tmp_path))
    assert "schema 0" in said
    assert file in said


def test_a_damaged_history_is_refused(tmp_path, monkeypatch, capsys):
    path = stored_test(tmp_path / "one") / "history.jsonl"
    path.write_text("{}\n" + path.read_text())
    assert "history.jsonl:1 is not an observation" in refused(
        monkeypatch, capsys, str(tmp_path)
    )


def test_a_page_of_10000_observations_is_written_at_once(call, tmp_path):
    long_story().history.save(tmp_path / "run" / "one" / "history.jsonl")
    began = time.process_time()  # what others do to the machine is not ours
    answer = call("run")
    assert time.process_time() - began < WRITTEN_WITHIN_S
    assert answer.exit_code == 0
    assert (tmp_path / "run" / "report.html").stat().st_size < 3_000_000


def test_help_teaches(call):
    said = " ".join(call("--help").output.split())
    assert "needs no network" in said
    assert "Exit codes: 0 the page was written" in said
