import sys
from pathlib import Path

import pytest

from reference_app.run import ROOT, start


def role_of(arguments, **environment):
    return start(arguments, environment).arguments[3]


@pytest.mark.parametrize("mode", ["beat", " Beat ", "BEAT"])
def test_the_mode_is_the_first_argument_or_else_the_variable(mode):
    assert role_of([mode]) == "beat"
    assert role_of([], RUN_MODE=mode) == "beat"
    assert role_of(["worker"], RUN_MODE=mode) == "worker"


def test_without_a_mode_it_is_a_worker():
    assert role_of([]) == "worker"
    assert role_of([], RUN_MODE=" ") == "worker"


def test_an_invalid_mode_is_a_worker_and_that_is_said(capsys):
    assert role_of(["baet"]) == "worker"
    assert "'baet' is no mode" in capsys.readouterr().err
    assert role_of([], RUN_MODE="web") == "worker"
    assert "'web' is no mode" in capsys.readouterr().err


def test_all_other_arguments_are_passed_on():
    what = start(["worker", "-Q", "gan", "--loglevel=DEBUG"], {})
    command = [sys.executable, "-m", "reference_app", "worker"]
    assert what.arguments == [*command, "-Q", "gan", "--loglevel=DEBUG"]
    assert start(["-Q", "gan"], {"RUN_MODE": "worker"}).arguments == [
        *command,
        "-Q",
        "gan",
    ]


def test_the_package_comes_first_on_the_path_and_only_once():
    assert start([], {}).environment["PYTHONPATH"] == str(ROOT)
    what = start([], {"PYTHONPATH": f"/elsewhere:{ROOT}"})
    assert what.environment["PYTHONPATH"] == f"{ROOT}:/elsewhere"


def test_it_starts_where_the_package_lies_or_where_it_is_told():
    assert start([], {}).folder == ROOT
    assert (ROOT / "reference_app" / "run.py").exists()
    assert start([], {"RUN_DIR": "/srv/app"}).folder == Path("/srv/app")
