from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from harness import plugin
from harness.errors import TargetError
from harness.stages import STAGES, at_stage, second_api
from harness.target import Api, Target

TARGET = Target(
    "shop:app",
    commands={"api": "a", "worker": "w", "beat": "b"},
    links=("worker", "api"),
    env={"COLOUR": "red", "NEW": "true"},
    api=Api(),
    flag={"on": {"NEW": "true"}, "off": {"NEW": "false"}},
)


def test_a_stage_says_which_parts_run_and_how_the_flag_stands():
    found = {stage: at_stage(TARGET, stage) for stage in STAGES}
    assert {stage: t.env["NEW"] for stage, t in found.items()} == {
        "before": "false",
        "mixed": "true",
        "after": "true",
        "rolled_back": "true",
    }
    assert (found["before"].commands, found["before"].links) == ({"api": "a"}, ("api",))
    assert "worker" not in found["before"].provides
    others = [t for stage, t in found.items() if stage != "before"]
    assert all(t.commands == TARGET.commands for t in others)
    assert {t.env["COLOUR"] for t in found.values()} == {"red"}


def test_the_command_line_offers_these():
    assert plugin.STAGES == STAGES


def test_without_a_flag_there_are_no_stages():
    with pytest.raises(TargetError, match=r"no \[flag.on\]"):
        at_stage(Target("shop:app"), "before")


def test_in_the_mixed_stage_alone_a_second_api_runs_with_the_flag_off():
    ran = []

    @contextmanager
    def replica(role, env):
        ran.append((role, env))
        yield

    stack = SimpleNamespace(target=TARGET, replica=replica)
    for stage in (*STAGES, None):
        with second_api(stack, stage):
            pass
    assert ran == [("api", {"NEW": "false"})]
