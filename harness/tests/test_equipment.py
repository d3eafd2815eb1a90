"""What goes into a container, decided without a container."""

import dataclasses
import os
import sys
from pathlib import Path

import pytest

import harness
from harness.engines.choice import open_engine, redis_server
from harness.engines.equipment import equip
from harness.errors import EngineError
from harness.target import Container, Target

APP = Target("nobody:app")


def test_by_default_this_machine_is_mounted_into_a_plain_image():
    own = equip(APP, {"PATH": os.environ["PATH"]})

    assert own.image == own.python_image == "python:3.12-slim"
    assert own.redis_image == "redis:7.4-alpine"
    assert own.user == f"{os.getuid()}:{os.getgid()}"
    for needed in (sys.prefix, Path(harness.__file__).parent / "witness_site"):
        real = Path(needed).resolve()
        assert any(real.is_relative_to(mount) for mount in own.mounts)


def test_images_of_this_machine_come_from_the_environment():
    names = {"QUEUEPROOF_PYTHON_IMAGE": "py:1", "QUEUEPROOF_REDIS_IMAGE": "redis:1"}

    own = equip(APP, {**os.environ, **names})

    assert (own.image, own.redis_image) == ("py:1", "redis:1")


def test_an_image_of_its_own_sees_nothing_of_this_machine_but_the_witness(tmp_path):
    container = Container(image="shop:1", user="1000", python="/venv/bin/python")
    target = dataclasses.replace(APP, container=container, pythonpath=(tmp_path,))

    own = equip(target, {})

    assert (own.image, own.user, own.python) == ("shop:1", "1000", "/venv/bin/python")
    assert {mount.name for mount in own.mounts} == {"witness_site"}


def test_sources_are_mounted_where_they_are_and_once(tmp_path):
    (tmp_path / "src" / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "src")
    paths = (tmp_path / "src", tmp_path / "src" / "inner", tmp_path / "link")
    target = dataclasses.replace(APP, pythonpath=paths)

    mounts = equip(target).mounts
    volumes = equip(target).volumes

    assert [m for m in mounts if tmp_path in m.parents] == [paths[0], paths[2]]
    assert f"{tmp_path}/src:{tmp_path}/src:ro" in volumes
    assert f"{tmp_path}/src:{tmp_path}/link:ro" in volumes


def test_nothing_covers_the_system_of_the_image():
    for mount in equip(APP).mounts:
        assert str(mount) not in ("/", "/usr", "/usr/local", "/lib", "/etc", "/bin")


def test_an_interpreter_that_does_not_run_here_is_an_error_with_a_remedy():
    with pytest.raises(EngineError, match=r"/no/python.*\[container\]"):
        equip(dataclasses.replace(APP, python="/no/python"))


def test_without_a_daemon_the_engine_says_how_to_get_one(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")

    with pytest.raises(EngineError, match=r"No Docker daemon .*nobody.*ci/engine"):
        open_engine("container", APP)


def test_without_the_extra_the_engine_says_how_to_install_it(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("harness.engines.co")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "docker.errors", None)

    with pytest.raises(EngineError, match=r"queueproof\[containers\].*ENGINE="):
        open_engine("container", APP)


def test_the_redis_of_a_run_is_told(monkeypatch):
    monkeypatch.setenv("QUEUEPROOF_REDIS_IMAGE", "redis:1")

    assert redis_server("container") == "redis:1"
    assert Path(redis_server("process")).is_absolute()
