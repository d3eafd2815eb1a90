from harness.report.table import verdict_table
from harness.report.verdict_file import Judged
from harness.verdict import holds, violated

CAP, ONE = "capacity.next-job-starts-promptly", "terminal.exactly-one"


def judged(verdicts, bounds=None) -> Judged:
    return Judged("t", "t", "pytest t", verdicts, bounds or {})


def test_each_contract_has_one_row_with_the_worst_of_its_tests():
    text = verdict_table(
        [
            judged({CAP: holds("x", measured={"gap_s": 0.2}), ONE: holds("x")}),
            judged({CAP: violated("x", measured={"gap_s": 4.0})}),
        ],
        about={"engine": "process", "redis": "redis-server", "mutant": ""},
    )
    lines = text.splitlines()
    assert "violated" in lines[1]
    assert "1/2" in lines[1]
    assert "gap 4.00 of 1 s" in lines[1]
    assert "holds" in lines[2]
    assert lines[-1] == "engine process · redis redis-server"


def test_the_bound_in_force_is_shown():
    verdict = holds("x", measured={"gap_s": 0.2})
    text = verdict_table([judged({CAP: verdict}, {CAP: {"gap_s": 3.0}})])
    assert "gap 0.20 of 3 s" in text


def test_a_path_is_never_broken_in_two():
    path = "/a" * 100
    text = verdict_table([judged({ONE: holds("x")})], about={"run": path})
    assert path in text


def test_what_is_not_applicable_has_its_reason_on_a_line_of_its_own():
    reason = "beat's schedule has 0 entries, " + "none of them due often " * 5
    text = verdict_table([judged({ONE: holds("x")})], not_applicable={CAP: reason})
    row, why = text.splitlines()[-2:]
    assert row.split() == [CAP, "CAP-003", "not", "applicable"]
    assert why == f"{CAP}: {reason.strip()}"
