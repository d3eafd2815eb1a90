import json
import sys

import pytest
from click.testing import CliRunner

from harness import cli, doctor


def call(*words):
    return CliRunner().invoke(cli.cli, ["doctor", *words])


def test_what_the_tests_themselves_need_is_found_here():
    found = {finding.what: finding for finding in doctor.findings()}
    assert doctor.can_run(list(found.values()))
    assert found["Redis server"].state == doctor.OK
    assert found["Celery"].found.startswith("5.")


def test_an_interpreter_without_celery_is_missing_with_its_remedy(tmp_path):
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)
    answer = call("--python", str(bare))
    assert answer.exit_code == 4
    assert "✗ Celery  cannot be imported" in answer.output
    assert f"remedy: {bare} -m pip install 'celery[redis]'" in answer.output


def test_no_redis_server_says_how_to_get_one(monkeypatch):
    monkeypatch.setenv("REDIS_SERVER", "/nowhere/redis-server")
    answer = call("--json")
    report = json.loads(answer.output)
    assert answer.exit_code == 4
    assert report["can_run"] is False
    redis = next(f for f in report["findings"] if f["what"] == "Redis server")
    assert "/nowhere/redis-server" in redis["remedy"]


@pytest.mark.parametrize("host", ["unix:///nowhere/docker.sock", "tcp://10.0.0.1:1"])
def test_a_container_engine_is_optional(monkeypatch, host):
    monkeypatch.setenv("DOCKER_HOST", host)
    found = {finding.what: finding for finding in doctor.findings()}
    engine = found["container engine"]
    assert host in engine.found
    assert engine.state == (doctor.OPTIONAL if "unix" in host else doctor.OK)
    assert doctor.can_run(list(found.values()))
