import json
from dataclasses import replace

import pytest

from harness.contract import contracts
from harness.errors import HistoryError
from harness.report.verdict_file import Judged, read_test, write_run, write_test
from harness.verdict import ExitCode, Status, holds, violated

CAP, ONE = "capacity.next-job-starts-promptly", "terminal.exactly-one"


def judged() -> Judged:
    verdicts = {CAP: violated("late", measured={"gap_s": 4.0}), ONE: holds("fine")}
    return Judged("test_x.py::test_y", "x--y", "pytest x", verdicts)


def test_a_tests_verdicts_can_be_read_back(tmp_path):
    write_test(tmp_path / "verdicts.json", judged())
    found = read_test(tmp_path / "verdicts.json")
    assert found[CAP].status is Status.VIOLATED
    assert found[CAP].measured == {"gap_s": 4.0}
    assert found[ONE] == holds("fine")


def test_what_was_judged_survives_the_journey_to_another_process():
    sent = replace(judged(), bounds={CAP: {"gap_s": 1.0}}, duration_s=1.25)

    assert Judged.from_dict(json.loads(json.dumps(sent.to_dict()))) == sent


def test_a_run_tells_each_contract_with_its_tests_and_measurements(tmp_path):
    path = tmp_path / "verdicts.json"
    write_run(
        path, [judged()], exit_code=ExitCode.VIOLATED, errors=["e"], engine="process"
    )
    content = json.loads(path.read_text())
    assert content["exit_code"] == 1
    assert content["engine"] == "process"
    assert content["errors"] == ["e"]
    row = content["contracts"][CAP]
    assert (row["status"], row["code"]) == ("violated", "CAP-003")
    assert row["measured"] == {"gap_s": {"worst": 4.0, "bound": 1.0, "unit": "s"}}
    assert row["tests"] == ["test_x.py::test_y"]


def test_every_contract_is_judged_or_not_applicable_or_not_asked(tmp_path):
    path, other = tmp_path / "verdicts.json", "schedule.one-run-per-slot"
    skipped = {other: "there is no beat"}
    write_run(path, [judged()], exit_code=ExitCode.VIOLATED, not_applicable=skipped)
    content = json.loads(path.read_text())
    assert content["not_applicable"] == skipped
    told = [*content["contracts"], *content["not_applicable"], *content["not_asked"]]
    assert sorted(told) == [c.id for c in contracts()]


def test_no_file_means_no_verdicts_and_a_damaged_one_is_refused(tmp_path):
    assert read_test(tmp_path / "nothing.json") == {}
    (tmp_path / "bad.json").write_text('{"schema": 1}')
    with pytest.raises(HistoryError):
        read_test(tmp_path / "bad.json")
    (tmp_path / "new.json").write_text('{"schema": 99}')
    with pytest.raises(HistoryError, match="schema 99"):
        read_test(tmp_path / "new.json")
