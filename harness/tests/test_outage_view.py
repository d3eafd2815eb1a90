import pytest

from harness.outage_view import submissions, while_away
from harness.tests.story import Story


def refused(story, t, took_s=0.1, api="api-2"):
    return story.say("driver.refused", t, api=api, code=503, took_s=took_s)


@pytest.mark.parametrize(
    ("fault", "role", "hangs"),
    [
        ("refuse", "api-2", [False]),
        ("black_hole", "api-2", [True]),
        ("redis_stop", "redis", [False]),
        ("pause", "redis", [True]),
        ("pause", "worker", []),
        ("slow", "api-2", []),
    ],
)
def test_redis_is_away_for_whom_a_fault_hurts(fault, role, hangs):
    story = refused(Story().fault(fault, 1.0, role=role), 1.2).healed(fault, 2.0)

    assert [one.hangs for one in while_away(story.history)] == hangs


def test_what_counts_is_when_it_was_sent():
    story = Story().fault("refuse", 1.0, role="api-2").healed("refuse", 2.0)
    for t, took_s in ((1.05, 0.1), (1.5, 0.1), (3.0, 1.1), (3.0, 0.9)):
        refused(story, t, took_s)

    sent = [one.sent_t for one in while_away(story.history)]
    assert sent == pytest.approx([1.4, 1.9])


def test_a_fault_that_did_not_bite_took_nothing_away():
    story = refused(Story().fault("refuse", 1.0, role="api-2", bit=False), 1.2)

    assert while_away(story.history) == []


def test_other_requests_are_no_submissions():
    story = Story().submitted("a", 1.0).say("driver.refused", 2.0, code=429)

    assert submissions(refused(story, 3.0).history)[0].t == 3.0
