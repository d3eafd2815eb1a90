import json
from types import SimpleNamespace

import pytest

from harness import walk
from harness.commands.walk import _shortest, _Teller
from harness.errors import NotApplicable, TargetError
from harness.run import Run
from harness.target import Target
from harness.walk import Step, Walked, Walker

WAY = [Step("submit"), Step("kill_child", 3), Step("idle")]


class Console:
    def print(self, *_, **__):
        pass


class Falls:
    """Walks nowhere; falls over a cancel with a kill of the worker somewhere before."""

    def __init__(self, folder):
        self.folder = folder
        self.walked = []

    def walk(self, steps):
        self.walked.append(tuple(steps))
        done = [step.do for step in steps]
        killed = "kill_worker" in done
        falls = killed and "cancel" in done[done.index("kill_worker") :]
        return Walked(["it fell"] if falls else [], self.folder)


def test_a_walk_is_stored_and_read_again(tmp_path):
    walk.store(tmp_path / "way.json", WAY)
    assert walk.stored(tmp_path / "way.json") == WAY
    assert [str(step) for step in WAY] == ["submit", "kill_child 3", "idle"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("no JSON", "is no stored walk"),
        ({"schema": 99, "steps": []}, "has schema 99, known is 1"),
        ({"schema": 1, "steps": [{"do": "fly", "job": 0}]}, "unknown step 'fly'"),
        ({"schema": 1, "steps": [{"do": "idle"}]}, "is no stored walk: KeyError"),
    ],
)
def test_what_is_no_walk_is_refused_and_said(tmp_path, content, says):
    file = tmp_path / "way.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(TargetError, match=says):
        walk.stored(file)


def test_without_users_nobody_can_walk(tmp_path):
    with pytest.raises(NotApplicable, match=r"describe \[api\]"):
        Walker(Run(Target("a:b"), lambda: tmp_path), "again")


def test_the_shortest_walk_that_falls_is_found(tmp_path):
    walker = Falls(tmp_path)
    teller = _Teller(Console(), walker)
    assert _shortest(teller, 400, 12, 1, 60.0).problems == ["it fell"]
    assert [step.do for step in teller.shortest] == ["submit", "kill_worker", "cancel"]
    assert len(set(walker.walked)) == len(walker.walked) == teller.count


def test_no_time_to_look_for_a_shorter_one_keeps_the_first(tmp_path):
    walker = Falls(tmp_path)
    teller = _Teller(Console(), walker)
    assert _shortest(teller, 400, 12, 1, -1.0).problems == ["it fell"]
    assert tuple(teller.shortest) == walker.walked[-1]


def test_the_same_seed_walks_the_same_ways(tmp_path):
    ways = []
    for seed in (1, 1, 2):
        walker = Falls(tmp_path)
        _shortest(_Teller(Console(), walker), 20, 6, seed, 1.0)
        ways.append(walker.walked)
    assert ways[0] == ways[1] != ways[2]


@pytest.mark.parametrize("flag", [{}, {"on": {"A": "1"}, "off": {"A": "0"}}])
def test_a_flag_is_turned_off_and_on_again_and_pages_come_back(flag):
    did = []
    page = SimpleNamespace(
        drop=lambda: did.append("drop"), again=lambda: did.append("again") or page
    )
    world = SimpleNamespace(
        stack=SimpleNamespace(target=Target("a:b", flag=flag)),
        rollout=SimpleNamespace(flip=lambda on: did.append(on)),
        pages={"job": page},
        flag_is_on=True,
    )
    for _ in range(2):
        walk.STEPS["flip"](world, "")
    turned = ["drop", False, "again", "drop", True, "again"]
    assert did == (turned if flag else [])


def test_what_is_undecided_is_no_holding_promise(tmp_path):
    walker = Falls(tmp_path)
    teller = _Teller(Console(), walker)
    teller.walk([Step("submit")])
    assert teller.summary() == "1 walks, 1 steps: no promise was broken"
    walker.walk = lambda steps: Walked([], tmp_path, ["terminal.exactly-one"])
    teller.walk([Step("submit"), Step("idle")])
    assert teller.summary().endswith(
        "no promise was broken; after 1 some were undecided"
    )
