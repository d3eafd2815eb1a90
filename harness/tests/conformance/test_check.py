"""The command, on an application whose files must be found where it starts."""

import json
from pathlib import Path

from click.testing import CliRunner

from harness.commands.check import check

NEWSROOM = Path(__file__).parents[1] / "apps" / "newsroom"


def test_what_starts_in_a_folder_of_its_own_is_checked(
    engine_name, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    words = ["newsroom:app", "--chdir", str(NEWSROOM), "--engine", engine_name]
    situation = "routing.knock_at_every_task"
    words += ["--command", "{python} run.py worker"]  # which reads banner.txt

    done = CliRunner().invoke(check, [*words, "--only", situation, "--json"])

    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["engine"] == engine_name
    assert report["profile"]["serves"] == ["stories", "photos"]
    (test,) = report["tests"]
    is_told = f"--engine {engine_name}" in test["again"]
    assert is_told == (engine_name == "container")  # the other is the default
