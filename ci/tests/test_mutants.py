import json
import threading

import pytest

from ci import kill_matrix, mutants
from ci.mutants import Earlier, choose

MUTANT = {
    "name": "m",
    "contract": "terminal.exactly-one",
    "healthy": False,
    "mechanism": "env",
}
TESTS = {"terminal.exactly-one": ["scenarios/test_a.py::test_b"]}


def _mutant(name, contract="terminal.exactly-one", **changes):
    return MUTANT | {"name": name, "contract": contract} | changes


@pytest.fixture
def nothing_known(tmp_path):
    return Earlier(tmp_path / "mutants.json", tmp_path / "verdicts.json")


def test_broken_ones_run_two_at_once_and_noops_alone_after_them(
    monkeypatch, nothing_known
):
    running, most = [], {}

    def run(mutant, tests):
        assert list(tests) == TESTS[mutant["contract"]]
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
    every = [_mutant(name) for name in ("a", "b")]
    noop = _mutant("noop", healthy=True)

    *broken, last = mutants.run_all([noop, *every], TESTS, nothing_known)

    assert (sorted(broken), last) == (["a", "b"], "noop")
    assert sorted(most["a"]) == ["a", "b"]
    assert most["noop"] == ["noop"]


def test_a_wrong_name_is_refused_by_name():
    with pytest.raises(ValueError, match="no mutant nobody"):
        choose([MUTANT], ["nobody"])


def test_one_per_contract_takes_them_in_turn_and_a_noop_of_each_mechanism():
    known = [
        *(_mutant(name, "cancel.x") for name in ("b", "a", "c")),
        _mutant("d", "result.y"),
        _mutant("noop-1", healthy=True),
        _mutant("noop-2", healthy=True),
        _mutant("noop-3", healthy=True, mechanism="overlay"),
    ]

    def chosen(seed):
        return {mutant["name"] for mutant in choose(known, seed=seed)}

    assert chosen(0) == chosen(0) == {"a", "d", "noop-1", "noop-3"}
    assert chosen(1) == {"b", "d", "noop-2", "noop-3"}
    assert chosen(2) == {"c", "d", "noop-1", "noop-3"}
    assert len(choose(known)) == len(known)
    assert [mutant["name"] for mutant in choose(known, ["d"])] == ["d"]


def test_what_caught_it_comes_first_then_the_quickest(tmp_path):
    row = {"name": "m", "contract": "x.y", "outcome": "caught", "seconds": 9.0}
    row |= {"test": "scenarios/test_a.py::test_slow[2]"}
    matrix = {"schema": kill_matrix.SCHEMA, "mutants": [row]}
    (tmp_path / "mutants.json").write_text(json.dumps(matrix))
    seconds = {"slow[1]": 4, "slow[2]": 5, "middle": 3, "quick": 1}
    tests = [
        {"test": f"scenarios/test_a.py::test_{name}", "duration_s": s}
        for name, s in seconds.items()
    ]
    (tmp_path / "verdicts.json").write_text(json.dumps({"tests": tests}))
    earlier = Earlier(tmp_path / "mutants.json", tmp_path / "verdicts.json")
    ids = [
        f"scenarios/test_a.py::test_{name}"
        for name in ("new", "middle", "slow", "quick")
    ]

    def order(name):
        found = earlier.quickest_first(_mutant(name), ids)
        return [test.rpartition("_")[2] for test in found]

    assert order("m") == ["slow", "quick", "middle", "new"]
    assert order("another") == ["quick", "middle", "slow", "new"]
    ordered = earlier.longest_first([_mutant("m"), _mutant("another")])
    assert [mutant["name"] for mutant in ordered] == ["another", "m"]


def test_where_nobody_knows_the_room_s_own_scenarios_come_first(nothing_known):
    tests = [f"scenarios/test_{room}.py::test_x" for room in ("cancel", "terminal")]
    ordered = nothing_known.quickest_first(_mutant("m"), tests)
    assert ordered == tests[::-1]


def test_a_run_that_does_not_end_in_time_is_alive(monkeypatch, tmp_path):
    def run(command, **options):
        raise mutants.subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(mutants.subprocess, "run", run)
    monkeypatch.setattr(mutants, "QP", tmp_path)
    row = mutants.run_mutant(MUTANT, ["scenarios/"])
    assert row["outcome"] == "alive"
    assert row["why"] == "exit -1, terminal.exactly-one not judged"


@pytest.mark.parametrize(
    "argv", [["m", "--one-per-contract"], ["--seed", "3"], ["nobody"]]
)
def test_wrong_use_exits_2(monkeypatch, argv):
    monkeypatch.setattr(mutants, "told", lambda what: [MUTANT])
    with pytest.raises(SystemExit) as end:
        mutants.main(argv)
    assert end.value.code == 2
