"""What no law may do, whatever it is about."""

import pytest

from harness.contract import contracts
from harness.judge import judge
from harness.tests.story import Story
from harness.verdict import Status

EVERY = pytest.mark.parametrize("contract", contracts(), ids=lambda c: c.id)


@EVERY
def test_nothing_holds_where_nothing_happened_for_long(contract):
    verdict = judge(contract, Story().watched(600.0).history)
    assert verdict.status is Status.INCONCLUSIVE
    assert "crashed" not in verdict.summary


@EVERY
def test_nothing_holds_when_a_job_was_sent_and_nothing_else_was_seen(contract):
    story = Story().submitted("mine", 1.0).say("send.accepted", 1.0, "ours")
    verdict = judge(contract, story.history)
    assert verdict.status is Status.INCONCLUSIVE
    assert "crashed" not in verdict.summary
