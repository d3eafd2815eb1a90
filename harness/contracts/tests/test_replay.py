from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, again, both, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "replay.late-subscriber"

UNSAID = Status.INCONCLUSIVE


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
        word, percent = ("completed", None) if seq == events else ("progress", seq)
        story.event("a", word, t + 0.05, seq=seq, percent=percent, by="late")
    return story


def test_the_whole_story_after_the_end_holds():
    verdict = late_copy(early_story(), 2.0, [1, 2, 3, 4]).watched(5.0).judged_by(LAW)
    assert verdict.status is Status.HOLDS
    assert 0.04 < verdict.measured["replay_s"] < 0.06


def test_a_gap_is_violated():
    verdict = late_copy(early_story(), 2.0, [1, 3, 4]).watched(5.0).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "(seq 2)" in verdict.summary


def test_a_double_is_violated():
    verdict = late_copy(early_story(), 2.0, [1, 2, 2, 3, 4]).watched(5.0).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "twice" in verdict.summary


def test_watching_too_short_is_inconclusive():
    story = late_copy(early_story(), 2.0, []).watched(3.0)
    assert story.judged_by(LAW).status is Status.INCONCLUSIVE


def test_without_a_late_subscriber_nothing_can_be_said():
    assert early_story().watched(5.0).judged_by(LAW).status is Status.INCONCLUSIVE


def test_an_event_that_the_target_has_no_word_for_is_no_part_of_the_story():
    story = late_copy(early_story(), 2.0, [1, 2, 3, 4])
    story.say("driver.event", 0.06, "a", subscriber="anna", event=None, seq=None)
    assert story.watched(5.0).judged_by(LAW).status is Status.HOLDS


def retried(story: Story) -> Story:
    """The same, but the last event is the first one of a second attempt."""
    last = {"event": "completed"}
    return changed("driver.event", **last, to={"attempt": 2, "seq": 1})(story)


def told(events: int, came_t: float, late: int, retry: bool) -> Story:
    """Anna sees it all; others come later and get what was, and then what follows."""
    story = retried(early_story(events)) if retry else early_story(events)
    anna = story.history.of(source="driver", kind="event")
    for name in ("late", "later")[:late]:
        story.subscribed("a", came_t, by=name, late=True)
        for event in anna:
            t = max(event.t, came_t) + 0.05
            story.say("driver.event", t, "a", **{**event.data, "subscriber": name})
    return story.watched(9.0)


def late(name: str = "event", /, **data: object) -> dict[str, object]:
    return {"name": f"driver.{name}", "subscriber": "late", **data}


FAILED = {"event": "failed", "reason": "lost"}
UNHEARD = both(without(**late()), without("harness.heartbeat"))

test_only_the_whole_story_once_and_in_order_holds = properties.of(
    LAW,
    st.builds(
        told, st.integers(3, 5), st.floats(0.11, 4.0), st.integers(1, 2), st.booleans()
    ),
    Damage("the-first-is-missing", without(**late(seq=1))),
    Damage("one-is-missing", without(**late(seq=2))),
    Damage("the-ending-is-missing", without(**late(event="completed"))),
    Damage("all-is-missing", without(**late())),
    Damage("one-comes-twice", again(**late(seq=1), after_s=0.01)),
    Damage("two-are-swapped", moved(**late(seq=1), by_s=0.4)),
    Damage("it-takes-too-long", moved(**late(), by_s=2.0)),
    Damage("another-ending", changed(**late(event="completed"), to=FAILED)),
    Damage("another-percentage", changed(**late(seq=1), to={"percent": 99})),
    Damage("unnumbered", changed("driver.event", to={"seq": None}), UNSAID),
    Damage("nobody-was-early", without("driver.subscribed", subscriber="anna"), UNSAID),
    Damage(
        "nobody-came-late", changed("driver.subscribed", to={"late": False}), UNSAID
    ),
    Damage("nothing-was-missed", moved("driver.event", by_s=5.0), UNSAID),
    Damage("not-watched", UNHEARD, UNSAID),
)
