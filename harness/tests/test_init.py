import sys

import pytest
from click.testing import CliRunner

from harness import cli
from harness.errors import TargetError
from harness.survey import survey
from harness.target_file import load

BROKER = """
import os
from celery import Celery
app = Celery("shop", broker=os.environ["SHOP_BROKER_URL"], backend=os.getenv("RESULTS"))
app.conf.task_default_queue = "orders"
"""

API = """
@api.post("/orders")
async def order(): await sio.emit("order:done", {})
@api.get("/orders/{id}")
def get(id): ...
@lru_cache(maxsize=3)
def other(): ...
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with an application, its routes and files that are none of its."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "broker.py").write_text(BROKER)
    (tmp_path / "shop" / "api.py").write_text(API)
    (tmp_path / "shop" / "broken.py").write_text("def (")
    (tmp_path / ".venv" / "lib").mkdir(parents=True)
    (tmp_path / ".venv" / "lib" / "not_mine.py").write_text("x = Celery('x')")
    return tmp_path


def init(*words):
    return CliRunner().invoke(cli.cli, ["init", *words])


def test_the_survey_finds_what_is_in_the_source_and_says_where(project):
    seen = survey(project)
    assert [(f.text, f.place) for f in seen.apps] == [
        ("shop.broker:app", "shop/broker.py:4")
    ]
    assert [f.text for f in seen.env] == ["SHOP_BROKER_URL", "RESULTS"]
    assert [f.text for f in seen.routes] == ["POST /orders", "GET /orders/{id}"]
    assert [f.text for f in seen.events] == ["order:done"]


def test_a_description_is_written_that_can_be_read(project, monkeypatch):
    monkeypatch.setenv("SHOP_BROKER_URL", "redis://production.invalid/0")
    answer = init()
    assert answer.exit_code == 0, answer.output
    target = load(project / "queueproof.toml")
    assert target.app == "shop.broker:app"
    assert target.queues == ("orders",)  # asked of the application itself
    assert target.pythonpath == (project,)
    assert target.env == {"SHOP_BROKER_URL": "{broker}"}
    assert target.commands == {"worker": "{python} -m celery -A {app} worker"}
    text = (project / "queueproof.toml").read_text()
    assert '# RESULTS = "{results}"  # shop/broker.py:4' in text
    assert "#   POST /orders  (shop/api.py:2)" in text


def test_commands_as_deployed_are_taken_from_deployment_files(project):
    (project / "Procfile").write_text(
        "worker: celery -A shop.broker worker -Q orders,mail -c 2\n"
        "clock: celery -A shop.broker beat\n"
    )
    (project / "compose.yaml").write_text(
        'command: ["celery", "--app=shop.broker:app", "worker", "--pool=solo"]\n'
    )
    assert init().exit_code == 0
    target = load(project / "queueproof.toml")
    assert target.commands == {
        "worker": "{python} -m celery -A {app} worker -Q orders,mail -c 2",
        "beat": "{python} -m celery -A {app} beat",
    }
    assert target.queues == ("orders", "mail")
    other = '# worker = "{python} -m celery --app {app} worker --pool=solo"'
    assert f"{other}  # compose.yaml:1" in (project / "queueproof.toml").read_text()


def test_an_application_that_cannot_be_imported_is_described_without_queues(project):
    answer = init()  # SHOP_BROKER_URL is not set
    assert answer.exit_code == 0
    assert "not imported: KeyError: 'SHOP_BROKER_URL'" in answer.output
    assert load(project / "queueproof.toml").queues == ()


def test_a_file_that_exists_is_left_alone(project):
    (project / "queueproof.toml").write_text("mine")
    answer = init()
    assert isinstance(answer.exception, TargetError)
    assert "is left alone" in str(answer.exception)
    assert (project / "queueproof.toml").read_text() == "mine"


def test_without_an_application_the_error_says_how_to_name_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = init()
    assert isinstance(answer.exception, TargetError)
    assert "queueproof init package.module:app" in str(answer.exception)
    assert not list(tmp_path.iterdir())


def test_an_interpreter_that_is_none_is_named(project):
    answer = init("--python", "/nowhere/python")
    assert isinstance(answer.exception, TargetError)
    assert "/nowhere/python" in str(answer.exception)
    assert sys.executable not in str(answer.exception)
