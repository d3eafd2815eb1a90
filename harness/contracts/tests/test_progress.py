from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, Edit, again, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "progress.never-goes-back"

UNSAID = Status.INCONCLUSIVE


def a_good_story() -> Story:
    story = Story().submitted("a", 0.0).subscribed("a", 0.1)
    for seq, percent in enumerate((0, 5, 5, 60), start=1):
        story.event("a", "progress", 0.2 * seq, seq=seq, percent=percent)
    return story


def test_a_failure_without_a_percentage_is_no_step_back():
    story = a_good_story().event("a", "failed", 2.0, seq=5, percent=None)
    assert story.judged_by(LAW).status is Status.HOLDS


def test_a_failure_at_zero_percent_is_a_step_back():
    story = a_good_story().event("a", "failed", 2.0, seq=5, percent=0)
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "percent go from 60 to 0" in verdict.summary
    assert verdict.evidence == (7, 8)


def test_an_attempt_that_comes_back_is_violated():
    story = a_good_story()
    story.event("a", "progress", 2.0, seq=5, percent=0, attempt=2)
    story.event("a", "progress", 3.0, seq=6, percent=70, attempt=1)
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "attempt go from 2 to 1" in verdict.summary


def test_one_bad_subscriber_among_good_ones_is_enough():
    story = a_good_story().subscribed("a", 0.1, by="ben")
    story.event("a", "progress", 1.0, seq=2, percent=5, by="ben")
    story.event("a", "progress", 1.1, seq=1, percent=5, by="ben")
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert verdict.summary.startswith("ben ")


def test_one_progress_event_says_nothing():
    story = Story().submitted("a", 0.0).subscribed("a", 0.1)
    story.event("a", "progress", 1.0, percent=5)
    story.event("a", "completed", 2.0, percent=100)
    assert story.judged_by(LAW).status is Status.INCONCLUSIVE


def told(percentages: list[int], people: int, attempts: int) -> Story:
    """Each of them sees the same progress in each attempt, and the completion."""
    story = Story().submitted("a", 0.0)
    for person in ("anna", "ben", "clara")[:people]:
        story.subscribed("a", 0.1, by=person)
        t = 0.0
        for attempt in range(1, attempts + 1):
            for seq, percent in enumerate(percentages, start=1):
                t += 0.5
                which = {"seq": seq, "percent": percent, "attempt": attempt}
                story.event("a", "progress", t, by=person, **which)
        which = {"seq": len(percentages) + 1, "percent": 100, "attempt": attempts}
        story.event("a", "completed", 9.0, by=person, **which)
    return story


#: The first percentage is above zero, so that there is something to fall from.
RISING = st.lists(st.integers(1, 99), min_size=2, max_size=4).map(sorted)

BARE = {"percent": None}
FAILED = {"event": "failed", "reason": "lost"}
FELL = {**FAILED, "percent": 0}


def one(seq: int, /, **to: object) -> Edit:
    """Let the event of this number say something else to one of them."""
    return changed("driver.event", subscriber="anna", seq=seq, to=to)


test_only_numbers_and_percentages_that_go_forward_hold = properties.of(
    LAW,
    st.builds(told, RISING, st.integers(1, 3), st.integers(1, 2)),
    Damage("all-come-twice", again("driver.event", after_s=0.1)),
    Damage("one-comes-twice", again("driver.event", seq=1, after_s=0.1)),
    Damage("two-are-swapped", moved("driver.event", seq=1, by_s=0.6)),
    Damage("two-have-one-number", one(2, seq=1)),
    Damage("the-percentage-falls", one(2, percent=0)),
    Damage("it-falls-on-failure", changed("driver.event", event="completed", to=FELL)),
    Damage("100-while-it-works", one(1, percent=100)),
    Damage("100-on-failure", changed("driver.event", percent=100, to=FAILED)),
    Damage("an-attempt-comes-back", one(1, attempt=3)),
    Damage("unnumbered", changed("driver.event", to={"seq": None}), UNSAID),
    Damage("without-percentages", changed("driver.event", to=BARE), UNSAID),
    Damage("nobody-watched", without("driver.subscribed"), UNSAID),
    Damage("no-progress", without("driver.event", event="progress"), UNSAID),
    Damage("never-submitted", without("driver.submitted"), UNSAID),
)
