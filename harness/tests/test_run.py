import pytest

from harness.contract import find_contract
from harness.errors import ContractError, StackError, TargetError
from harness.report.verdict_file import Judged
from harness.run import Run, run_folder
from harness.scenario import slug
from harness.target import Api, Job, Socket, Target
from harness.verdict import ExitCode, holds, inconclusive, violated

LAW = "terminal.exactly-one"


def a_run(tmp_path, *verdicts):
    run = Run(Target("shop:app"), lambda: tmp_path)
    for verdict in verdicts:
        run.tests.append(Judged("t", "t", "pytest t", {LAW: verdict}))
    return run


def test_violated_comes_before_our_failures_and_those_before_inconclusive(tmp_path):
    run = a_run(tmp_path, holds("x"))
    assert run.exit_code is ExitCode.HOLDS
    run.tests += a_run(tmp_path, inconclusive("x")).tests
    assert run.exit_code is ExitCode.INCONCLUSIVE
    run.failed("t", StackError("the worker died"))
    assert run.exit_code is ExitCode.HARNESS_FAILED
    run.tests += a_run(tmp_path, violated("x")).tests
    assert run.exit_code is ExitCode.VIOLATED


def test_a_wrong_description_is_wrong_use(tmp_path):
    run = a_run(tmp_path)
    run.failed("t", TargetError("no such key"))
    assert run.exit_code is ExitCode.WRONG_USE


def test_a_contract_whose_needs_are_missing_is_not_applicable(tmp_path):
    run = Run(Target("shop:app", socket=Socket()), lambda: tmp_path)
    assert run.not_applicable(find_contract(LAW)) == (
        f"{LAW} needs api, job, which the target has not"
    )
    whole = Target(
        "shop:app",
        api=Api(),
        socket=Socket(),
        jobs={"x": Job()},
        commands={"api": "x"},
    )
    assert Run(whole, lambda: tmp_path).not_applicable(find_contract(LAW)) is None


def test_a_contract_is_skipped_for_the_first_reason_unless_a_test_judged_it(tmp_path):
    run = a_run(tmp_path)
    run.skip([LAW, "terminal.every-exit"], "it has no users")
    run.skip([LAW], "it has no such thing")
    assert run.skipped == {
        LAW: "it has no users",
        "terminal.every-exit": "it has no users",
    }
    run.tests += a_run(tmp_path, holds("x")).tests
    assert run.skipped == {"terminal.every-exit": "it has no users"}


def test_a_bound_that_does_not_exist_is_refused_before_anything_starts(tmp_path):
    target = Target("shop:app", bounds={LAW: {"quiet": 2.0}})
    with pytest.raises(ContractError, match="quiet"):
        Run(target, lambda: tmp_path)


def test_the_latest_link_follows_the_last_run_of_ours(tmp_path):
    run = run_folder(tmp_path)
    assert (tmp_path / ".qp" / "latest").resolve() == run
    assert run.parent == tmp_path / ".qp" / "runs"

    assert run_folder(tmp_path, str(tmp_path / "chosen")) == tmp_path / "chosen"
    assert (tmp_path / ".qp" / "latest").resolve() == run


@pytest.mark.parametrize(
    ("test", "folder"),
    [
        ("scenarios/test_x.py::test_y", "test_x--test_y"),
        ("test_x.py::test_y[a/b c]", "test_x--test_y-a-b-c"),
    ],
)
def test_a_test_has_a_folder_name(test, folder):
    assert slug(test) == folder
