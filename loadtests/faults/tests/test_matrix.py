"""What rounds come to, and a round of a fault that does not bite, for real."""

import pytest
from click.testing import CliRunner
from rich.console import Console

from harness import NotOnThisEngine
from loadtests.faults.__main__ import main, row, summary, table
from loadtests.faults.bench import NotFelt, Rounds
from loadtests.faults.cells import CELLS


def told(*, bites=True, heals=True, seconds=1.0, **more):
    return {"bites": bites, "heals": heals, "seconds": seconds, "why": "", **more}


def test_a_fault_must_bite_and_heal_in_every_round():
    rounds = [told(seconds=s, felt="felt") for s in (1, 9, 2)]

    found = row("kill", rounds)

    assert (found["verdict"], found["passed"]) == ("3 of 3", True)
    assert (found["seconds"], found["felt"]) == (2, "felt")


@pytest.mark.parametrize("bad", [told(bites=False), told(heals=False)])
def test_one_bad_round_is_one_too_many(bad):
    found = row("kill", [told(), bad, told()])

    assert (found["verdict"], found["passed"]) == ("2 of 3", False)
    assert summary("process", [found, row("noop", [told()])])["passed"] is False


def test_what_cannot_be_done_is_neither_passed_nor_counted():
    cannot = row("oom", [told(bites=False, impossible="no cgroup")])

    assert cannot["verdict"] == "impossible"
    assert summary("process", [cannot])["passed"] is False
    record = summary("process", [cannot, row("kill", [told()])])
    assert (record["passed"], record["faults"], record["impossible"]) == (True, 1, 1)


def test_the_table_says_why():
    record = summary(
        "process",
        [
            row("oom", [told(bites=False, impossible="no cgroup here")]),
            row("kill", [told(bites=False, why="it survived")]),
            row("cut", [told()]),
        ],
    )

    console = Console(width=120, record=True)
    console.print(table(record))
    text = console.export_text()

    for word in ("no cgroup here", "it survived", "0 of 1", "(its own proof alone)"):
        assert word in text


def test_an_unknown_fault_is_wrong_use():
    done = CliRunner().invoke(main, ["--only", "kil_child"])

    assert done.exit_code == 2
    assert "no fault kil_child. Known: kill_child, " in done.output


def test_the_catalogue_is_wide_enough():
    assert len(CELLS) >= 22


def test_rounds_tell_what_bit_what_did_not_and_what_cannot_be(tmp_path):
    def bites(bench):
        bench.faults.noop("worker")
        return "left alone"

    def finds_nobody(bench):
        bench.faults.kill_child("no-such-job")
        return "felt all the same"

    def is_not_felt(bench):
        bench.faults.noop("worker")
        raise NotFelt("nothing to see")

    def cannot_be(bench):
        raise NotOnThisEngine("not here")

    rounds = Rounds("process", tmp_path)
    try:
        assert told_of(rounds.run(bites)) == (True, True, "")
        assert told_of(rounds.run(cannot_be)) == (False, True, "")
        assert told_of(rounds.run(finds_nobody)) == (False, True, "")
        assert told_of(rounds.run(is_not_felt)) == (
            False,
            True,
            "NotFelt: nothing to see",
        )
    finally:
        rounds.close()


def told_of(found):
    return found["bites"], found["heals"], found["why"]
