import pytest

from harness.contract import find_contract
from harness.errors import HistoryError
from harness.rejudge import histories, rejudge
from harness.report.verdict_file import Judged, write_test
from harness.tests.story import Story
from harness.verdict import Status, holds

LAW = "terminal.exactly-one"


def stored_test(folder, endings=1, contract=LAW):
    """Save a history that names its contract, as the plugin does."""
    story = Story(test="test_x.py::test_y", contracts=[contract])
    story.submitted("a", 0.0).subscribed("a", 0.1)
    for _ in range(endings):
        story.event("a", "completed", 1.0)
    story.watched(5.0)
    story.history.save(folder / "history.jsonl")
    return folder


def test_a_run_is_judged_test_by_test(tmp_path):
    stored_test(tmp_path / "one")
    stored_test(tmp_path / "two", endings=2)
    one, two = rejudge(tmp_path)
    assert one.judged.verdicts[LAW].status is Status.HOLDS
    assert two.judged.verdicts[LAW].status is Status.VIOLATED
    assert not one.pages
    assert "2 endings" in two.pages[0]


def test_the_folders_of_parallel_processes_belong_to_the_run(tmp_path):
    stored_test(tmp_path / "gw0" / "one")
    stored_test(tmp_path / "gw1" / "two")

    assert [r.judged.folder for r in rejudge(tmp_path)] == ["one", "two"]


def test_one_test_or_one_file_can_be_named(tmp_path):
    folder = stored_test(tmp_path / "one")
    assert histories(folder) == [folder / "history.jsonl"]
    assert histories(folder / "history.jsonl") == [folder / "history.jsonl"]


def test_a_verdict_that_differs_from_the_stored_one_is_said(tmp_path):
    folder = stored_test(tmp_path / "one", endings=2)
    write_test(
        folder / "verdicts.json", Judged("t", "one", "pytest t", {LAW: holds("old")})
    )
    (again,) = rejudge(tmp_path)
    assert again.changes[0].startswith(f"{LAW} was holds, is violated")


def test_a_folder_without_histories_is_refused(tmp_path):
    with pytest.raises(HistoryError, match="No history"):
        list(rejudge(tmp_path))


def test_a_history_without_contracts_says_nothing(tmp_path):
    Story().history.save(tmp_path / "history.jsonl")
    (again,) = rejudge(tmp_path)
    assert dict(again.judged.verdicts) == {}
    assert find_contract(LAW)
