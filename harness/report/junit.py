"""Verdicts as JUnit XML, which every CI system shows.

One test case per scenario and contract: `violated` is a failure, `inconclusive` an
error, what is not applicable is skipped with its reason. Forty lines on the standard
library: the packages for this format offer its reading, merging and typing, and need as
many lines to be filled.
"""

from collections.abc import Iterable, Mapping
from xml.etree import ElementTree as ET

from harness.report.told import told
from harness.report.verdict_file import Judged
from harness.verdict import Status

#: The element that says what is wrong; a verdict that holds has none.
_ELEMENTS = {Status.VIOLATED: "failure", Status.INCONCLUSIVE: "error"}


def junit_xml(
    tests: Iterable[Judged], not_applicable: Mapping[str, str] | None = None
) -> str:
    """Return the XML text; `not_applicable` maps a contract's id to the reason."""
    suite = ET.Element("testsuite", name="queueproof")
    counts = {"failure": 0, "error": 0, "skipped": 0}
    for test in tests:
        for id, verdict in test.verdicts.items():
            case = ET.SubElement(suite, "testcase", classname=id, name=test.test)
            case.set("time", f"{test.duration_s:.3f}")
            if verdict.status in _ELEMENTS:
                name = _ELEMENTS[verdict.status]
                counts[name] += 1
                wrong = ET.SubElement(case, name, type=str(verdict.status))
                wrong.set("message", _legal(verdict.summary))
                wrong.text = _legal(told(id, verdict, test.again))
    for id, reason in (not_applicable or {}).items():
        case = ET.SubElement(suite, "testcase", classname=id, name="not applicable")
        ET.SubElement(case, "skipped", message=_legal(reason))
        counts["skipped"] += 1
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(counts["failure"]))
    suite.set("errors", str(counts["error"]))
    suite.set("skipped", str(counts["skipped"]))
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _legal(text: str) -> str:
    """Return the text with what XML 1.0 cannot hold made visible."""
    return "".join(c if c in "\t\n" or c >= " " else f"\\x{ord(c):02x}" for c in text)
