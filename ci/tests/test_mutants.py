import threading

import pytest

from ci import mutants
from ci.mutants import judge_mutant

MUTANT = {"name": "m", "contract": "terminal.exactly-one", "healthy": False}


def _run(status):
    return {"contracts": {"terminal.exactly-one": {"status": status}}}


def test_a_mutant_is_caught_by_its_own_contract_only():
    assert judge_mutant(MUTANT, 1, _run("violated")) == "caught"


@pytest.mark.parametrize(
    ("exit_code", "run"),
    [
        (0, _run("holds")),
        (3, _run("inconclusive")),
        (4, _run("violated")),
        (1, {"contracts": {"result.other": {"status": "violated"}}}),
        (1, None),
        (-1, None),
    ],
)
def test_a_crash_or_another_contract_does_not_catch_it(exit_code, run):
    assert judge_mutant(MUTANT, exit_code, run).startswith("alive")


def test_a_noop_must_hold():
    noop = MUTANT | {"healthy": True}
    assert judge_mutant(noop, 0, _run("holds")) == "holds"
    assert judge_mutant(noop, 0, None).startswith("noop broke")
    assert judge_mutant(noop, 1, _run("violated")).startswith("noop broke")


def test_broken_ones_run_two_at_once_and_noops_alone_after_them(monkeypatch):
    running, most = [], {}

    def run(mutant):
        running.append(mutant["name"])
        if not mutant["healthy"]:
            both.wait(timeout=10)
        most[mutant["name"]] = list(running)
        if not mutant["healthy"]:
            both.wait(timeout=10)
        running.remove(mutant["name"])
        return mutant["name"]

    both = threading.Barrier(2)
    monkeypatch.setattr(mutants, "run_mutant", run)
    noop, first, second = (
        MUTANT | {"name": name, "healthy": name == "noop"}
        for name in ("noop", "first", "second")
    )

    *broken, last = mutants.run_all([noop, first, second])

    assert (sorted(broken), last) == (["first", "second"], "noop")
    assert sorted(most["first"]) == ["first", "second"]
    assert most["noop"] == ["noop"]
