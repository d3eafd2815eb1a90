from xml.etree import ElementTree as ET

from harness.commands.outputs import STEP_SUMMARY, write_outputs
from harness.report.github import annotations, step_summary
from harness.report.junit import junit_xml
from harness.report.verdict_file import Judged
from harness.verdict import holds, inconclusive, violated

ID, OTHER = "terminal.exactly-one", "replay.late-subscriber"


def judged(**verdicts):
    found = {ID if k == "own" else OTHER: v for k, v in verdicts.items()}
    return Judged("test_a.py::test_b", "folder", "pytest b", found, duration_s=1.5)


BROKEN = violated("two | endings,\n100 %", expected="one: end", observed="\x00two")


def test_junit_tells_failures_errors_and_what_is_not_applicable():
    tests = [judged(own=BROKEN, other=holds("fine")), judged(own=inconclusive("?"))]
    suite = ET.fromstring(junit_xml(tests, {"a.b": "no beat"}).encode())[0]
    assert suite.attrib == {
        "name": "queueproof",
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
    }
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert "\\x00two" in failure.text
    assert suite[0].get("classname") == ID
    assert suite[0].get("time") == "1.500"
    assert suite.find("testcase/error").get("message") == "?"
    assert suite.find("testcase/skipped").get("message") == "no beat"


def test_annotations_are_one_line_per_cause_and_escaped():
    lines = annotations([judged(own=BROKEN, other=holds("ok")), judged(own=BROKEN)])
    assert len(lines) == 1
    assert lines[0].startswith(f"::error title={ID} violated::claim")
    assert "\n" not in lines[0]
    assert "100 %25" in lines[0]
    assert annotations([judged(own=inconclusive("?"))])[0].startswith("::warning ")
    assert annotations([judged(own=holds("ok"))]) == []


def test_the_step_summary_is_a_table_with_the_worst_verdict_of_each_contract():
    text = step_summary([judged(own=holds("ok")), judged(own=BROKEN)], {"a.b": "x|y"})
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert rows[1].startswith(f"| {ID} | ✗ violated |")
    assert rows[2] == "| a.b | not applicable | x\\|y |"
    assert f"#### {ID} violated" in text


def test_files_are_written_where_they_were_asked_for(tmp_path, monkeypatch, capsys):
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv(STEP_SUMMARY, str(summary))
    junit = tmp_path / "reports" / "junit.xml"
    write_outputs([judged(own=BROKEN)], junit=junit, github=True)
    assert ET.parse(junit).getroot()[0].get("failures") == "1"
    assert summary.read_text().startswith("before\n| contract ")
    assert "::error" in capsys.readouterr().out


def test_nothing_is_written_unasked(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(STEP_SUMMARY, str(tmp_path / "summary.md"))
    write_outputs([judged(own=BROKEN)], junit=None, github=False)
    assert not list(tmp_path.iterdir())
    assert capsys.readouterr().out == ""
