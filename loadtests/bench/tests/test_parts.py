import pytest

from loadtests.bench.parts import NotRun, need_containers


def test_without_an_engine_it_says_how_to_get_one(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    with pytest.raises(NotRun, match=r"ci/engine\.sh up"):
        need_containers()


def test_an_image_that_is_not_there_is_named(monkeypatch, tmp_path):
    engine = tmp_path / "docker"
    engine.write_text("#!/bin/sh\necho shop-python:1\n")
    engine.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("QUEUEPROOF_PYTHON_IMAGE", "shop-python:1")
    monkeypatch.setenv("QUEUEPROOF_REDIS_IMAGE", "shop-redis:1")
    with pytest.raises(NotRun, match=r"no image shop-redis:1; .*ci/images/make"):
        need_containers()
    monkeypatch.setenv("QUEUEPROOF_REDIS_IMAGE", "shop-python:1")
    need_containers()
