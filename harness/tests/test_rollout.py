"""An API that leaves and comes back configured differently, for real."""

import dataclasses

import psutil
import pytest

from harness.errors import NotApplicable
from harness.rollout import Rollout, deploy


@pytest.fixture
def stack(whole_stack):
    return whole_stack


def environment(stack, name):
    return psutil.Process(stack.process("api").id.pid).environ().get(name)


def test_an_api_is_deployed_differently_and_again_as_described(stack):
    first = stack.process("api").id

    deploy(stack, {"COLOUR": "red"})
    red = stack.process("api").id
    deploy(stack, {"COLOUR": "red"})
    assert stack.process("api").id == red != first
    assert environment(stack, "COLOUR") == "red"
    assert stack.is_ready("api")

    deploy(stack, {})
    assert stack.process("api").id != red
    assert environment(stack, "COLOUR") is None


def test_a_flip_says_when_it_began_and_when_it_was_done(stack, history):
    stack.target = dataclasses.replace(
        stack.target, flag={"on": {}, "off": {"NEW": "no"}}
    )
    try:
        Rollout(stack, history).flip(on=False)
        assert environment(stack, "NEW") == "no"
    finally:
        stack.target = dataclasses.replace(stack.target, flag={})
        deploy(stack, {})

    told = history.of(source="stack")
    assert [o.kind for o in told if o.get("to") == "off"] == ["flip", "flipped"]


def test_an_api_that_is_asked_to_leave_is_followed_by_one_alike(stack, history):
    before = stack.process("api").id

    Rollout(stack, history).leave()

    (fault,) = history.of(source="fault", kind="injected")
    assert (fault["fault"], fault["victim"]["pid"]) == ("terminate", before.pid)
    assert stack.process("api").id != before
    assert stack.is_ready("api")


def test_what_the_target_does_not_describe_is_not_applicable(stack, history):
    rollout = Rollout(stack, history)
    with pytest.raises(NotApplicable, match=r"no \[flag.on\]"):
        rollout.flip(on=True)
    with pytest.raises(NotApplicable, match=r"no \[fallback.run_locally\]"):
        rollout.run_locally()
