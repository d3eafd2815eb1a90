import json
import re

import pytest
from click.testing import CliRunner

from harness.commands.check import check
from harness.errors import EngineError, HarnessError

APP = """
from celery import Celery
app = Celery("shop", broker="redis://redis.invalid/0")

@app.task(name="shop.sell")
def sell(what):
    return what
"""


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Call the command in a folder with one small application."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.py").write_text(APP)

    def run(*words):
        return CliRunner().invoke(check, words)

    return run


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            [],
            "Name the application.* neither queueproof.toml nor .*pyproject.toml nor "
            "scenarios/target.toml",
        ),
        (["shop:app", "--target", "shop.py"], "one of the two"),
        (["shop"], "APP 'shop': write \"module:attribute\""),
        (
            ["shop:app", "--command", "{pyhton} x"],
            "--command = .*did you mean 'python'",
        ),
        (["shop:app", "--beat", "{ap} x"], "--beat = .*did you mean 'app'"),
        (["shop:app", "--env", "REDIS={borker}"], "--env REDIS = .*'broker'"),
        (["shop:app", "--env", "REDIS"], "--env 'REDIS': write NAME=VALUE"),
        (["shop:app", "--job", "shop.sell=soon"], "--job .*TASK=SECONDS"),
        (["shop:app", "--only", "brokr"], "--only brokr: .*did you mean 'broker'"),
        (["shop:app", "--contract", "routing.x"], "Unknown contract"),
    ],
)
def test_wrong_words_are_named_with_what_is_right(call, words, said):
    error = call(*words).exception
    assert isinstance(error, HarnessError)
    assert re.search(said, str(error)), error


@pytest.mark.parametrize(
    ("file", "table"),
    [
        ("queueproof.toml", ""),
        ("pyproject.toml", "[tool.queueproof]\n"),
        ("scenarios/target.toml", ""),
    ],
)
def test_without_an_app_the_description_in_this_folder_is_read(
    call, tmp_path, file, table
):
    (tmp_path / "scenarios").mkdir()
    (tmp_path / file).write_text(f'{table}app = "shop"\n')
    error = call().exception
    assert str(error) == f"{file}: app = 'shop': write \"module:attribute\"."


def test_an_engine_that_cannot_work_here_is_an_error(call, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    error = call("shop:app", "--engine", "container").exception
    assert isinstance(error, EngineError)
    assert "No Docker daemon" in str(error)


# Each starts a real worker, so each looks at all that its run can show.


def test_it_judges_prints_and_keeps_what_it_found(call, tmp_path):
    done = call("shop:app", "--only", "routing.knock_at_every_task")
    assert done.exit_code == 0, done.output
    assert "prefork" in done.output
    assert "routing.every-task-has-a-worker" in done.output
    assert "first verdict after" in done.output
    kept = json.loads((tmp_path / ".qp" / "latest" / "verdicts.json").read_text())
    assert kept["profile"]["serves"] == ["celery"]
    (test,) = kept["tests"]
    assert test["again"] == (
        "queueproof check shop:app --only routing.knock_at_every_task"
    )


def test_a_described_application_needs_no_word_and_machines_get_json(call, tmp_path):
    (tmp_path / "queueproof.toml").write_text(
        'app = "shop:app"\npythonpath = ["."]\n'
        '[commands]\nworker = "{python} -m celery -A {app} worker -P solo"\n'
    )
    done = call("--only", "time_limit.only_sleeps", "--json")
    assert done.exit_code == 1
    report = json.loads(done.stdout)
    assert report["exit_code"] == 1
    assert report["profile"]["pool"] == "solo"
    (test,) = report["tests"]
    assert test["again"] == "queueproof check --only time_limit.only_sleeps"
    contracts = report["contracts"]
    assert contracts["time_limit.deployed-pool-enforces"]["status"] == "violated"
    assert "violated" in done.stderr


def test_help_teaches(call):
    told = call("--help").output
    assert 'queueproof check shop:app --command "{python} run.py worker' in told
    assert "Exit codes: 0 all hold" in " ".join(told.split())
