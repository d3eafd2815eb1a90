import json
import sys
from types import SimpleNamespace

from click.testing import CliRunner

from loadtests.bench import __main__ as bench


def test_every_measurement_is_listed_with_its_first_line():
    found = bench.measurements()

    assert {"overhead", "recycling"} <= set(found)
    assert "tests" not in found
    assert all(text.endswith((".", "median")) for text in found.values())
    help_text = CliRunner().invoke(bench.main, ["--help"]).output
    assert all(name in help_text for name in found)


def use(monkeypatch, **record):
    fake = SimpleNamespace(run=lambda: {"name": "overhead", **record})
    monkeypatch.setitem(sys.modules, "loadtests.bench.overhead", fake)


def test_json_is_one_line(monkeypatch):
    use(monkeypatch, value=1.0, unit="ms", passed=True)

    result = CliRunner().invoke(bench.main, ["overhead", "--json"])

    assert json.loads(result.output)["value"] == 1.0
    assert result.exit_code == 0


def test_a_missed_target_is_exit_code_one(monkeypatch):
    use(monkeypatch, value=99.0, unit="ms", passed=False, samples=[98.0, 100.0])

    result = CliRunner().invoke(bench.main, ["overhead"])

    assert result.exit_code == 1
    assert "2 values, 98 to 100" in result.output


def test_an_unknown_name_is_wrong_use():
    assert CliRunner().invoke(bench.main, ["nothing"]).exit_code == 2
