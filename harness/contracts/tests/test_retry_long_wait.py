import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, again, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "retry.long-wait-runs-once"

UNSAID = Status.INCONCLUSIVE


def waited(waits_s: float) -> Story:
    """A task is sent with a countdown, its message grows old, and it runs."""
    story = Story().say("send.accepted", 0.5, "a")
    age = {"fault": "age", "bit": True, "to_s": 600.0, "victim": None}
    story.say("fault.injected", 1.0, "a", **age).say("probe.swept", 1.1, "a")
    begun = 1.2 + waits_s
    story.say("ledger.start", begun, "a", pid=10, role="child")
    story.say("ledger.end", begun + 0.1, "a", pid=10, role="child", how="success")
    return story.watched(begun + 2.2)


def twice(after_s: float) -> properties.Edit:
    return again("ledger.start", after_s=after_s, but={"pid": 11})


test_only_what_runs_once_when_its_time_has_come_holds = properties.of(
    LAW,
    st.builds(waited, st.floats(0.1, 9.0)),
    Damage("runs-beside-itself", twice(0.05)),
    Damage("runs-again", twice(0.2)),
    Damage("nobody-looked", without("probe.swept"), UNSAID),
    Damage("looked-too-late", moved("probe.swept", by_s=20.0), UNSAID),
    Damage("not-old", changed("fault.injected", to={"bit": False}), UNSAID),
    Damage("grew-old-while-it-ran", moved("fault.injected", by_s=20.0), UNSAID),
    Damage("never-ran", without("ledger.start"), UNSAID),
    Damage("not-watched", moved("harness.heartbeat", by_s=-0.5), UNSAID),
)


def between_tries(*, held: bool = False) -> Story:
    story = Story().submitted("a", 0.1)
    story.say("journal.start", 1.0, "a", pid=1, attempt=1)
    story.say("journal.end", 1.2, "a", pid=1, attempt=1, how="raised:Gone")
    story.say("probe.held", 1.3, "a", held=held, age_s=0.1 if held else None)
    story.say("journal.start", 2.0, "a", pid=2, attempt=2)
    story.say("journal.end", 2.2, "a", pid=2, attempt=2, how="returned")
    return story.watched(3.0)


def test_a_retry_that_waits_outside_the_broker_is_executed_once_or_not():
    assert between_tries().judged_by(LAW).status is Status.HOLDS
    copy = between_tries().say("journal.start", 2.1, "a", pid=3, attempt=2)
    assert copy.judged_by(LAW).status is Status.VIOLATED


@pytest.mark.parametrize(
    "story",
    [
        between_tries(held=True),
        without("journal.start", pid=2)(between_tries()),
        moved("probe.held", by_s=-1.2)(between_tries()),
    ],
    ids=["held-and-young", "not-tried-again", "looked-before-the-first-try"],
)
def test_a_retry_that_was_not_in_danger_or_did_not_come_says_nothing(story):
    assert story.judged_by(LAW).status is UNSAID
