import json
import sys
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from loadtests.bench import __main__ as bench
from loadtests.bench.parts import NotRun


@pytest.fixture(autouse=True)
def kept_in(monkeypatch, tmp_path):
    monkeypatch.setattr(bench, "KEPT_IN", tmp_path / "kept")
    return tmp_path / "kept"


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


def test_a_record_is_kept_with_the_load_of_the_machine(monkeypatch, kept_in):
    use(monkeypatch, value=1.0)

    CliRunner().invoke(bench.main, ["overhead"])

    kept = json.loads((kept_in / "overhead.json").read_text())
    assert kept["value"] == 1.0
    assert len(kept["load_before_after"]) == 2


def refuse():
    raise NotRun("no container engine; ci/engine.sh up")


def test_what_cannot_be_measured_here_says_why(monkeypatch, kept_in):
    fake = SimpleNamespace(run=refuse)
    monkeypatch.setitem(sys.modules, "loadtests.bench.peer", fake)

    result = CliRunner().invoke(bench.main, ["peer"])

    assert "ci/engine.sh up" in result.output
    assert result.exit_code == 4
    assert not kept_in.exists()


def test_all_goes_on_where_one_cannot_be_measured(monkeypatch):
    for name in bench.measurements():
        fine = {"name": name, "value": 1.0}
        fake = SimpleNamespace(run=refuse if name == "peer" else lambda it=fine: it)
        monkeypatch.setitem(sys.modules, f"loadtests.bench.{name}", fake)

    result = CliRunner().invoke(bench.main, ["all", "--json"])

    assert result.exit_code == 0
    told = [json.loads(line) for line in result.output.splitlines()]
    assert [r["name"] for r in told if "not_run" in r] == ["peer"]
    assert len(told) == len(bench.measurements())


def test_all_is_one_table_with_what_the_commit_before_had(monkeypatch, kept_in):
    value = {"now": 2.0}
    for name in bench.measurements():
        fake = SimpleNamespace(
            run=lambda name=name: {
                **{"name": name, "what": "it", "value": value["now"], "unit": "s"},
                **{"target": 3.0, "passed": value["now"] <= 3.0, "beside": "theirs 9"},
            }
        )
        monkeypatch.setitem(sys.modules, f"loadtests.bench.{name}", fake)
    monkeypatch.setattr(bench.kept, "commit", lambda: "one")
    assert "change" in CliRunner().invoke(bench.main, ["all"]).output
    monkeypatch.setattr(bench.kept, "commit", lambda: "two")
    value["now"] = 4.0

    result = CliRunner().invoke(bench.main, ["all"])

    assert result.exit_code == 1
    rows = [line for line in result.output.splitlines() if "MISSED" in line]
    assert len(rows) == len(bench.measurements())
    assert all(part in rows[0] for part in ("4 s", "3 s", "theirs 9", "2 s", "+100%"))
    kept = json.loads((kept_in / "commits" / "two.json").read_text())
    assert set(kept) == set(bench.measurements())


def test_an_unknown_name_is_wrong_use():
    assert CliRunner().invoke(bench.main, ["nothing"]).exit_code == 2
