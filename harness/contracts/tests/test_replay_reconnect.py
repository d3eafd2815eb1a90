import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, again, both, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "replay.after-reconnect"

UNSAID = Status.INCONCLUSIVE

#: Events 1 to 7, one each 0.1 s, the ending at 1.0 s; Anna loses them from 4 on.
EVENTS = [*(("progress", 0.1 * seq, seq) for seq in range(1, 7)), ("completed", 1.0, 7)]


def tell(story: Story, by: str, events: list[tuple[str, float, int]]) -> Story:
    for word, t, seq in events:
        percent = None if word == "completed" else 10 * seq
        story.event("a", word, t, seq=seq, percent=percent, by=by)
    return story


def told(back_t: float = 0.55, resumes: bool = True, twice: bool = False) -> Story:
    """Ben sees it all; Anna is away from 0.35 s on and comes back, maybe two times.

    With `resumes` she says what she has, and is sent the rest; else she is sent all.
    """
    story = Story().submitted("a", 0.0)
    story.subscribed("a", 0.02, by="ben").subscribed("a", 0.02, by="anna")
    tell(story, "ben", EVENTS)
    tell(story, "anna", [e for e in EVENTS if e[1] < 0.35])
    gone("anna", 0.35, story)
    known, name = 3, "anna"
    if twice:
        back(story, name, 0.37, known if resumes else None)
        name = "anna+"
        gone(name, 0.38, story)
    back(story, name, back_t, known if resumes else None)
    sent = [(w, max(t, back_t) + 0.02, n) for w, t, n in EVENTS]
    sent = [e for e in sent if e[2] > known] if resumes else sent
    return tell(story, f"{name}+", sent).watched(9.0)


def gone(name: str, t: float, story: Story) -> None:
    story.say("driver.unsubscribed", t, "a", subscriber=name, dropped=True)


def back(story: Story, name: str, t: float, after: int | None) -> None:
    who = {"subscriber": f"{name}+", "late": True, "resumes": name, "after": after}
    story.say("driver.subscribed", t, "a", **who)


def returned(**data: object) -> dict[str, object]:
    """What the page got on the connection it came back on."""
    return {"name": "driver.event", "subscriber": "anna+", **data}


UNHEARD = both(without(**returned()), without("harness.heartbeat"))
NEVER_AWAY = changed("driver.subscribed", subscriber="anna+", to={"resumes": None})
LATER = moved("driver.event", subscriber="ben", by_s=5.0)

test_only_a_page_that_has_all_in_the_end_holds = properties.of(
    LAW,
    st.builds(told, st.floats(0.41, 4.0), st.booleans()),
    Damage("one-of-the-absence-is-missing", without(**returned(seq=4))),
    Damage("one-after-it-is-missing", without(**returned(seq=6))),
    Damage("the-ending-is-missing", without(**returned(event="completed"))),
    Damage("nothing-comes-after-it", without(**returned())),
    Damage("one-comes-twice", again(**returned(seq=5), after_s=0.001)),
    Damage("it-takes-too-long", moved(**returned(), by_s=2.0)),
    Damage("unnumbered", changed("driver.event", to={"seq": None}), UNSAID),
    Damage("nobody-came-back", NEVER_AWAY, UNSAID),
    Damage("nothing-was-missed", LATER, UNSAID),
    Damage("not-watched", UNHEARD, UNSAID),
)


def test_an_event_that_the_page_said_it_has_is_a_second_one():
    again_3 = changed(**returned(seq=4), to={"seq": 3})
    verdict = again_3(told(resumes=True)).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "anna+ got event 3 again" in verdict.summary
    assert "it had said that it knows 3" in verdict.observed


def test_who_cannot_say_what_it_has_is_sent_all_again():
    assert told(resumes=False).judged_by(LAW).status is Status.HOLDS


def test_an_ending_may_be_told_again():
    """Better twice than never: its number may be another where a log was lost."""
    story = Story().submitted("a", 0.0)
    story.subscribed("a", 0.02, by="ben").subscribed("a", 0.02, by="anna")
    tell(tell(story, "ben", EVENTS), "anna", EVENTS[:3])
    gone("anna", 0.35, story)
    back(story, "anna", 1.5, 3)
    tell(story, "anna+", [(w, 1.52, n) for w, _, n in EVENTS[3:]])
    story.event("a", "completed", 1.6, seq=1, percent=None, by="anna+")
    assert story.watched(9.0).judged_by(LAW).status is Status.HOLDS


def test_it_may_come_back_more_than_once():
    verdict = told(twice=True).judged_by(LAW)
    assert verdict.status is Status.HOLDS
    assert "anna has all 7 events" in verdict.summary


def test_nothing_is_said_when_nothing_was_sent_meanwhile():
    story = Story().submitted("a", 0.0)
    story.subscribed("a", 0.02, by="ben").subscribed("a", 0.02, by="anna")
    tell(tell(story, "ben", EVENTS), "anna", EVENTS[:3])
    gone("anna", 0.32, story)
    back(story, "anna", 0.38, 3)
    tell(story, "anna+", EVENTS[3:])
    verdict = story.watched(9.0).judged_by(LAW)
    assert verdict.status is UNSAID
    assert "anna missed nothing" in verdict.summary
    assert "from 0.32 s to 0.38 s" in verdict.observed


def test_the_slowest_event_is_measured():
    assert told().judged_by(LAW).measured["replay_s"] == pytest.approx(0.02)
