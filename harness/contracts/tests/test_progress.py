from hypothesis import given
from hypothesis import strategies as st

from harness.tests.story import Story
from harness.verdict import Status

LAW = "progress.never-goes-back"


def a_good_story() -> Story:
    story = Story().submitted("a", 0.0).subscribed("a", 0.1)
    for seq, percent in enumerate((0, 5, 5, 60), start=1):
        story.event("a", "progress", 0.2 * seq, seq=seq, percent=percent)
    return story


def test_rising_numbers_and_percentages_hold():
    story = a_good_story().event("a", "completed", 2.0, seq=5, percent=100)
    assert story.judged_by(LAW).status is Status.HOLDS


def test_a_failure_without_a_percentage_is_no_step_back():
    story = a_good_story().event("a", "failed", 2.0, seq=5, percent=None)
    assert story.judged_by(LAW).status is Status.HOLDS


def test_a_failure_at_zero_percent_is_a_step_back():
    story = a_good_story().event("a", "failed", 2.0, seq=5, percent=0)
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "percent go from 60 to 0" in verdict.summary
    assert verdict.evidence == (7, 8)


def test_a_number_that_comes_twice_is_a_step_back():
    story = a_good_story().event("a", "progress", 2.0, seq=4, percent=70)
    assert story.judged_by(LAW).status is Status.VIOLATED


def test_a_hundred_percent_before_completion_is_violated():
    story = a_good_story().event("a", "progress", 2.0, seq=5, percent=100)
    assert story.judged_by(LAW).status is Status.VIOLATED


def test_a_second_attempt_may_start_again():
    story = a_good_story()
    story.event("a", "progress", 2.0, seq=1, percent=0, attempt=2)
    story.event("a", "completed", 3.0, seq=2, percent=100, attempt=2)
    assert story.judged_by(LAW).status is Status.HOLDS


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


percentages = st.lists(st.integers(0, 99), min_size=2, max_size=12).map(sorted)


@given(percentages)
def test_every_rising_story_holds(percentages):
    story = Story().submitted("a", 0.0).subscribed("a", 0.1)
    for seq, percent in enumerate(percentages, start=1):
        story.event("a", "progress", float(seq), seq=seq, percent=percent)
    story.event("a", "completed", 99.0, seq=len(percentages) + 1, percent=100)
    assert story.judged_by(LAW).status is Status.HOLDS


@given(percentages, st.data())
def test_no_story_with_two_events_swapped_or_one_doubled_holds(percentages, data):
    events = list(enumerate(percentages, start=1))
    index = data.draw(st.integers(0, len(events) - 2))
    if data.draw(st.booleans()):
        events[index], events[index + 1] = events[index + 1], events[index]
    else:
        events.insert(index, events[index])
    story = Story().submitted("a", 0.0).subscribed("a", 0.1)
    for t, (seq, percent) in enumerate(events):
        story.event("a", "progress", float(t), seq=seq, percent=percent)
    assert story.judged_by(LAW).status is Status.VIOLATED
