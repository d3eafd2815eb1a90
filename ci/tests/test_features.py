import json
import textwrap

import pytest

from ci import features
from ci.features import (
    ROOT,
    Rows,
    contracts_say,
    disagreements,
    exit_code,
    judge,
    marks,
    not_in,
    seen_in,
)

pytest_plugins = ["pytester"]

ROWS = Rows(
    promises={"S0-01": "one", "S0-02": "two", "S0-03": "three"},
    not_covered={"S0-03": "not built yet"},
    on_containers=["S0-02"],
    sources={"S0": "the plan"},
)
MARKED = [("S0-01", "a.py", "test_a"), ("S0-02", "a.py", "test_b")]


def outcome(test, *rows, outcome="holds"):
    return {
        "test": test,
        "rows": list(rows),
        "outcome": outcome,
        "seconds": 1,
        "why": "",
    }


BOTH = [outcome("a.py::test_a", "S0-01"), outcome("a.py::test_b", "S0-02")]


def verdicts(lines):
    return {line["row"]: line["verdict"] for line in lines}


def test_the_project_s_table_and_marks_agree():
    rows = Rows.read(ROOT / "scenarios" / "features.toml")
    assert disagreements(rows, list(marks(ROOT))) == []
    assert len(rows.promises) == 104


def test_a_row_holds_when_all_that_show_it_hold():
    lines = judge(ROWS, MARKED, BOTH)
    assert verdicts(lines) == {
        "S0-01": "holds",
        "S0-02": "holds",
        "S0-03": "not covered",
    }
    assert lines[-1]["reason"] == "not built yet"
    assert exit_code(lines) == 0


@pytest.mark.parametrize(
    ("others", "verdict", "code"),
    [
        (["violated", "inconclusive"], "violated", 1),
        (["inconclusive"], "inconclusive", 3),
    ],
)
def test_the_worst_of_its_tests_is_its_verdict(others, verdict, code):
    more = [outcome("a.py::test_a[x]", "S0-01", outcome=each) for each in others]
    lines = judge(ROWS, MARKED, [*BOTH, *more])
    assert verdicts(lines)["S0-01"] == verdict
    assert exit_code(lines) == code


def test_a_marked_test_that_did_not_run_has_shown_nothing():
    lines = judge(ROWS, MARKED, BOTH[:1])
    assert verdicts(lines)["S0-02"] == "inconclusive"
    assert lines[1]["scenarios"][0]["why"] == "not run"
    assert exit_code(lines) == 3
    assert exit_code([]) == 3


@pytest.mark.parametrize(
    ("changes", "marked", "said"),
    [
        ({}, [*MARKED, ("S9-01", "a.py", "test_c")], "no row of the table"),
        ({}, MARKED[:1], "S0-02 is neither shown"),
        ({}, [*MARKED, ("S0-03", "a.py", "test_c")], "S0-03 is shown, and not covered"),
        ({"not_covered": {"S0-03": " "}}, MARKED, "without a reason"),
        ({"not_covered": {"S0-03": "x", "S9-01": "x"}}, MARKED, "S9-01 is not covered"),
        ({"on_containers": ["S9-01"]}, MARKED, "S9-01 is on containers"),
    ],
)
def test_where_table_and_marks_disagree_it_is_said(changes, marked, said):
    rows = Rows(**{**vars(ROWS), **changes})
    (told,) = disagreements(rows, marked)
    assert said in told


def test_a_failed_test_is_inconclusive_where_its_contracts_are_no_more():
    def run(*statuses):
        verdicts = [{"status": status} for status in statuses]
        return {"tests": [{"test": "t", "verdicts": verdicts}]}

    failed = [outcome("t", "S0-01", outcome="violated")]

    def told(run, outcomes=failed):
        return contracts_say(outcomes, run)[0]["outcome"]

    assert told(run("inconclusive", "holds")) == "inconclusive"
    assert told(run("inconclusive", "violated")) == "violated"
    assert told(run("holds")) == told({}) == "violated"
    assert told(run("inconclusive"), [outcome("t", "S0-01")]) == "holds"


def test_marks_are_read_from_the_source(tmp_path):
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (tmp_path / "reference_app").mkdir()
    text = """
    import pytest
    pytestmark = [pytest.mark.contract("x.y"), pytest.mark.feature("S0-01")]

    @pytest.mark.feature(*("S0-02", "S0-03"), "S0-04")
    @pytest.mark.parametrize("a", ["S9-01"])
    def test_a(a): ...

    def test_b(): ...
    """
    (folder / "test_x.py").write_text(textwrap.dedent(text))
    (folder / "test_y.py").write_text("def test_c(): ...")
    found = [(row, test) for row, _, test in marks(tmp_path)]
    assert sorted(found) == [
        *(("S0-01", "test_a"), ("S0-01", "test_b")),
        *((f"S0-0{n}", "test_a") for n in (2, 3, 4)),
    ]


def test_what_pytest_saw_is_written_test_by_test(pytester):
    pytester.syspathinsert(ROOT)
    pytester.makepyfile(
        """
        import pytest

        class NeverHappened(Exception): ...

        @pytest.fixture
        def broken(): raise ValueError("no Redis")

        @pytest.fixture
        def untidy():
            yield
            raise ValueError("left over")

        @pytest.mark.feature("S0-02", "S0-01")
        def test_holds(): ...

        @pytest.mark.feature("S0-01")
        def test_violated(): assert 1 == 2, "two"

        @pytest.mark.feature("S0-01")
        def test_skipped(): pytest.skip("not here")

        @pytest.mark.feature("S0-01")
        def test_never(): raise NeverHappened("no progress")

        @pytest.mark.feature("S0-01")
        def test_broken(broken): ...

        @pytest.mark.feature("S0-01")
        def test_untidy(untidy): ...

        def test_unmarked(): assert False
        """
    )
    pytester.makeini("[pytest]\nmarkers = feature(*rows): rows")
    pytester.runpytest_inprocess(
        *("-p", "ci.feature_outcomes", "--feature-outcomes", "found.json")
    )
    found = json.loads((pytester.path / "found.json").read_text())
    short = {each["test"].partition("::test_")[2]: each for each in found}
    assert {name: each["outcome"] for name, each in short.items()} == {
        "holds": "holds",
        "violated": "violated",
        "skipped": "inconclusive",
        "never": "inconclusive",
        "broken": "inconclusive",
        "untidy": "inconclusive",
    }
    assert short["holds"]["rows"] == ["S0-01", "S0-02"]
    assert "two" in short["violated"]["why"]
    assert "no Redis" in short["broken"]["why"]


MARKED_AND_NOT = """
import pytest

@pytest.mark.feature("S0-01")
@pytest.mark.parametrize("way", "ab")
def test_shown(way): ...

@pytest.mark.feature("S0-02")
def test_shown_too(): assert False

def test_unmarked(): ...
"""


@pytest.mark.parametrize("how", [(), ("-n", "2")], ids=["alone", "two-workers"])
def test_beside_the_other_tests_the_marked_ones_are_stored(pytester, monkeypatch, how):
    # Of the processes it starts, as `python -m pytest` in the project's folder has it.
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makepyfile(MARKED_AND_NOT)
    pytester.makeini("[pytest]\nmarkers = feature(*rows): rows")
    told = pytester.runpytest_subprocess(
        *("-p", "ci.feature_outcomes", "--feature-outcomes", "seen/unit.json"),
        *("--feature-beside", *how),
    )
    told.assert_outcomes(passed=3, failed=1)
    found = seen_in(pytester.path / "seen", None)
    assert sorted(each["test"].partition("::")[2] for each in found) == [
        "test_shown[a]",
        "test_shown[b]",
        "test_shown_too",
    ]
    assert {each["outcome"] for each in found} == {"holds", "violated"}


def test_what_was_seen_is_not_run_again():
    seen = [outcome("a.py::test_a[1]", "S0-01"), outcome("b.py::test_b", "S0-02")]
    assert not_in(seen, [*MARKED, ("S0-02", "a.py", "test_a")]) == ["a.py::test_b"]


def test_a_folder_in_which_nothing_was_stored_is_wrong_use(tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        features.main(["--seen", str(tmp_path)])
    assert end.value.code == 2
    assert "holds no outcomes" in capsys.readouterr().err


def test_what_was_seen_is_inconclusive_where_its_contracts_are_no_more(tmp_path):
    verdicts = tmp_path / "verdicts.json"
    said = {"test": "t", "verdicts": [{"status": "inconclusive"}]}
    verdicts.write_text(json.dumps({"tests": [said]}))
    folder = tmp_path / "seen"
    folder.mkdir()
    failed = [outcome("t", "S0-01", outcome="violated")]
    (folder / "scenarios.json").write_text(json.dumps(failed))
    assert seen_in(folder, verdicts)[0]["outcome"] == "inconclusive"
    assert seen_in(folder, None)[0]["outcome"] == "violated"


def test_the_table_shows_what_did_not_hold(capsys):
    from rich.console import Console

    failed = outcome("a.py::test_b[x]", "S0-02", outcome="violated")
    lines = judge(ROWS, MARKED, [BOTH[0], failed | {"why": "it came [twice]"}])
    features.show(lines, Console(width=200))
    shown = capsys.readouterr().out
    assert "violated: test_b[x]: it came [twice]" in shown
    assert "not built yet" in shown
