from hypothesis import given
from hypothesis import strategies as st

from harness.tests.story import Story
from harness.verdict import Status

LAW = "replay.late-subscriber"


def early_story(events: int = 4, ended: bool = True) -> Story:
    """Anna sees events 1..n, one each 0.1 s, the last at 1.0 s."""
    story = Story().submitted("a", 0.0).subscribed("a", 0.05)
    for seq in range(1, events):
        story.event("a", "progress", 0.1 * seq, seq=seq, percent=seq)
    last = "completed" if ended else "progress"
    return story.event("a", last, 1.0, seq=events, percent=None)


def late_copy(story: Story, t: float, seqs: list[int], events: int = 4) -> Story:
    story.subscribed("a", t, by="late", late=True)
    for seq in seqs:
        word = "completed" if seq == events else "progress"
        story.event("a", word, t + 0.05, seq=seq, by="late")
    return story


def test_the_whole_story_after_the_end_holds():
    verdict = late_copy(early_story(), 2.0, [1, 2, 3, 4]).watched(5.0).judged_by(LAW)
    assert verdict.status is Status.HOLDS
    assert 0.04 < verdict.measured["replay_s"] < 0.06


def test_a_page_opened_mid_run_gets_past_and_future():
    story = early_story().subscribed("a", 0.25, by="late", late=True)
    for seq in (1, 2):
        story.event("a", "progress", 0.27, seq=seq, by="late")
    story.event("a", "progress", 0.3, seq=3, by="late")
    story.event("a", "completed", 1.0, seq=4, by="late").watched(5.0)
    assert story.judged_by(LAW).status is Status.HOLDS


def test_a_page_that_gets_nothing_is_violated():
    verdict = late_copy(early_story(), 2.0, []).watched(5.0).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert verdict.timed


def test_a_gap_is_violated():
    verdict = late_copy(early_story(), 2.0, [1, 3, 4]).watched(5.0).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "(seq 2)" in verdict.summary


def test_a_double_is_violated():
    verdict = late_copy(early_story(), 2.0, [1, 2, 2, 3, 4]).watched(5.0).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "twice" in verdict.summary


def test_a_missing_ending_is_violated():
    verdict = late_copy(early_story(), 2.0, [1, 2, 3]).watched(5.0).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "completed" in verdict.summary


def test_a_slow_replay_is_violated():
    story = early_story().subscribed("a", 2.0, by="late", late=True)
    for seq in (1, 2, 3):
        story.event("a", "progress", 4.5, seq=seq, by="late")
    story.event("a", "completed", 4.5, seq=4, by="late").watched(6.0)
    assert story.judged_by(LAW).status is Status.VIOLATED


def test_watching_too_short_is_inconclusive():
    story = late_copy(early_story(), 2.0, []).watched(3.0)
    assert story.judged_by(LAW).status is Status.INCONCLUSIVE


def test_a_late_page_that_missed_nothing_is_inconclusive():
    story = Story().submitted("a", 0.0).subscribed("a", 0.05)
    story.subscribed("a", 0.1, by="late", late=True)
    for by in ("anna", "late"):
        story.event("a", "completed", 1.0, seq=1, by=by)
    assert story.watched(5.0).judged_by(LAW).status is Status.INCONCLUSIVE


def test_without_a_late_subscriber_nothing_can_be_said():
    assert early_story().watched(5.0).judged_by(LAW).status is Status.INCONCLUSIVE


@given(st.integers(2, 8), st.data())
def test_any_faithful_copy_holds_and_any_damaged_one_does_not(events, data):
    seqs = list(range(1, events + 1))
    faithful = late_copy(early_story(events), 2.0, seqs, events).watched(5.0)
    assert faithful.judged_by(LAW).status is Status.HOLDS
    index = data.draw(st.integers(0, events - 1))
    damage = data.draw(st.sampled_from(["remove", "double", "swap"]))
    damaged = seqs.copy()
    if damage == "remove":
        del damaged[index]
    elif damage == "double":
        damaged.insert(index, seqs[index])
    else:
        other = (index + 1) % events
        damaged[index], damaged[other] = damaged[other], damaged[index]
    story = late_copy(early_story(events), 2.0, damaged, events).watched(5.0)
    assert story.judged_by(LAW).status is Status.VIOLATED
