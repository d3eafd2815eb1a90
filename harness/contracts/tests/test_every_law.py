"""What no law may do, whatever it is about, and what none may lack."""

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

from harness.contract import contracts
from harness.contracts import tests
from harness.judge import judge
from harness.tests.properties import Properties
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


def properties_of(law: str) -> Iterator[Properties]:
    """Yield what the tests of this folder try on the law: those that pytest runs."""
    for found in pkgutil.iter_modules(tests.__path__, f"{tests.__name__}."):
        names = vars(importlib.import_module(found.name))
        for name, test in names.items():
            told = getattr(test, "properties", None)
            if name.startswith("test_") and told is not None and told.law == law:
                yield told


@EVERY
def test_each_law_is_tried_on_legal_stories_and_on_damaged_ones(contract):
    known = list(properties_of(contract.id))
    assert known, "its tests have no `test_... = properties.of(LAW, LEGAL, ...)`"
    for one in known:
        names = {damage.name for damage in one.damages}
        assert len(names) == len(one.damages) >= 3
        seen = {damage.becomes for damage in one.damages}
        assert Status.VIOLATED in seen
        assert Status.HOLDS not in seen
