from harness.catalogue import catalogue, scenarios_by_contract
from harness.contract import find_contract
from harness.mutant import Mutant

SOURCE = """
import pytest
from elsewhere import nothing_is_imported

pytestmark = pytest.mark.contract("terminal.exactly-one", "terminal.every-exit")


@pytest.mark.contract("result.ready-when-announced")
@pytest.mark.parametrize("seed", [1, 2])
def test_both(driver, seed):
    ...


def test_shared(driver):
    ...


once = pytest.mark.contract("submit.answers-in-time")


@once
def test_named(driver):
    ...


def no_test():
    ...
"""


def test_markers_of_tests_and_of_their_module_are_found(tmp_path):
    (tmp_path / "test_terminal.py").write_text(SOURCE)
    (tmp_path / "test_bare.py").write_text("def test_nothing(): ...")
    found = scenarios_by_contract(tmp_path)
    every = [f"test_terminal.py::test_{name}" for name in ("both", "shared", "named")]
    assert found == {
        "result.ready-when-announced": every[:1],
        "submit.answers-in-time": every[2:],
        "terminal.exactly-one": every,
        "terminal.every-exit": every,
    }


def test_a_row_joins_contract_scenarios_and_mutants(tmp_path):
    (tmp_path / "test_terminal.py").write_text(SOURCE)
    bad = Mutant("bad", "terminal.exactly-one", "x", env={"A": "1"})
    noop = Mutant("noop", "terminal.exactly-one", "x", env={"B": "1"}, healthy=True)
    one = find_contract("terminal.exactly-one")
    (row,) = catalogue([one], [bad, noop], tmp_path)
    assert row["mutants"] == ["bad"]
    assert len(row["scenarios"]) == 3
    assert row["bounds"]["quiet_s"]["unit"] == "s"
