import json

import pytest
from click.testing import CliRunner

from harness import ExitCode
from loadtests import overload, plot, report
from loadtests.overload import Witnesses, exit_code, judge
from loadtests.timings import Job

#: Two accepted, one refused.
JOBS = [
    Job(0, "short", "a", "completed", "", 0, 0, 0.1, 0, 1, 1, 2, 2, 1),
    Job(1, "short", "b", "completed", "", 0, 0, 0.1, 0, 2, 2, 3, 3, 1),
    Job(2, "short", "", "refused", "", 1, 1, 1.1),
]
WELL = Witnesses({"a": ("completed", 1), "b": ("completed", 1)}, {"a": 1, "b": 1}, 0, 0)


def found(jobs=JOBS, planned=3):
    return report.report(jobs, planned=planned, options={}, watched={}, senders=1)


def broken(jobs=JOBS, *, planned=3, max_backlog=1, **told):
    checks = judge(found(jobs, planned), WELL._replace(**told), max_backlog)
    return [check.promise for check in checks if not check.met]


def one_is(**changes):
    return [JOBS[0], Job(**{**vars_of(JOBS[1]), **changes}), JOBS[2]]


def vars_of(job):
    return {name: getattr(job, name) for name in job.__dataclass_fields__}


def test_all_promises_kept():
    assert broken() == []


@pytest.mark.parametrize(
    ("wrong", "promise"),
    [
        ({"planned": 4}, "every job was sent"),
        ({"states": {"a": ("completed", 1), "b": ("pending", 1)}}, "no accepted job"),
        ({"states": {"a": ("completed", 1), "b": ("completed", 2)}}, "no accepted job"),
        ({"runs": {"a": 1}}, "each runs exactly once"),
        ({"runs": {"a": 1, "b": 2}}, "each runs exactly once"),
        ({"runs": {"a": 1, "b": 1, "refused": 1}}, "each runs exactly once"),
        ({"jobs": one_is(endings=2)}, "each client sees one ending"),
        ({"jobs": one_is(endings=0)}, "each client sees one ending"),
        ({"jobs": [*JOBS[:2], Job(2, "short", outcome="rejected")]}, "others get 429"),
        ({"max_backlog": -1}, "the backlog keeps its bound"),
        ({"active": 1}, "the backlog drains"),
        ({"messages": 1}, "the backlog drains"),
    ],
)
def test_each_broken_promise_is_noticed_alone(wrong, promise):
    (noticed,) = broken(**wrong)
    assert noticed.startswith(promise)


def test_without_a_refusal_there_was_no_overload():
    kept = judge(found(), WELL, 1)
    assert exit_code(kept, refused=1) is ExitCode.HOLDS
    assert exit_code(kept, refused=0) is ExitCode.INCONCLUSIVE
    broken = [check._replace(met=False) for check in kept]
    assert exit_code(broken, refused=0) is ExitCode.VIOLATED


def test_help_teaches_by_example():
    told = CliRunner().invoke(overload.main, ["--help"]).output
    assert "python -m loadtests.overload --jobs 200" in told
    assert "Exit codes" in told


@pytest.mark.parametrize(
    "wrong", [["--jobs", "0"], ["--arrivals", "closed"], ["--arrivals", "30"]]
)
def test_what_cannot_be_an_overload_is_wrong_use(wrong):
    result = CliRunner().invoke(overload.main, wrong)
    assert result.exit_code == ExitCode.WRONG_USE


def test_a_report_is_shown_written_and_drawn(tmp_path, capsys):
    whole = found([*JOBS, Job(3, "short", outcome="rejected", why="HTTP 503")], 4)
    report.show(whole)
    shown = capsys.readouterr().out
    assert "rejected: HTTP 503" in shown
    assert "2 waited at most" in shown

    report.write(whole, tmp_path / "new" / "it.json")
    assert json.loads((tmp_path / "new" / "it.json").read_text()) == whole
    picture = tmp_path / "it.png"
    told = [str(tmp_path / "new" / "it.json"), str(picture)]
    assert CliRunner().invoke(plot.main, told).exit_code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
