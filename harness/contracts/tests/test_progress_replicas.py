from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, again, both, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "progress.one-copy-per-replica"

UNSAID = Status.INCONCLUSIVE

PLACES = {"anna": "api", "ben": "api-2", "clara": "api-2"}


def told(events: int = 4, way_s: float = 0.02) -> Story:
    """Three clients of two API processes see the same job, each a little later."""
    story = Story().submitted("a", 0.0)
    for name, at in PLACES.items():
        who = {"subscriber": name, "late": False, "at": at}
        story.say("driver.subscribed", 0.05, "a", **who)
    for seq in range(1, events + 1):
        word = "completed" if seq == events else "progress"
        for place, name in enumerate(PLACES):
            t = 0.4 + 0.3 * seq + place * way_s
            story.event("a", word, t, seq=seq, percent=seq, by=name)
    return story.watched(9.0)


def bens(**data: object) -> dict[str, object]:
    return {"name": "driver.event", "subscriber": "ben", **data}


ONE_PLACE = changed("driver.subscribed", to={"at": "api"})
UNHEARD = both(without(**bens()), without("harness.heartbeat"))
ONLY_CLARA_STAYS = both(
    without("driver.subscribed", subscriber="ben"),
    changed("driver.subscribed", subscriber="clara", to={"at": "api"}),
)

test_only_one_copy_of_each_event_at_each_client_holds = properties.of(
    LAW,
    st.builds(told, st.integers(2, 5), st.floats(0.001, 0.05)),
    Damage("one-comes-twice-at-one", again(**bens(seq=1), after_s=0.01)),
    Damage("all-come-twice", again("driver.event", after_s=0.01)),
    Damage("one-is-missing-at-one", without(**bens(seq=1))),
    Damage("one-client-gets-nothing", without(**bens())),
    Damage("the-ending-is-missing", without(**bens(event="completed"))),
    Damage("it-takes-too-long", moved(**bens(), by_s=2.1)),
    Damage("unnumbered", changed("driver.event", to={"seq": None}), UNSAID),
    Damage("one-process-alone", ONE_PLACE, UNSAID),
    Damage("nobody-at-the-other", ONLY_CLARA_STAYS, UNSAID),
    Damage("no-events", without("driver.event"), UNSAID),
    Damage("not-watched", UNHEARD, UNSAID),
)


def test_the_page_says_who_got_how_many_and_where():
    verdict = again(**bens(seq=2), after_s=0.01)(told()).judged_by(LAW)
    assert verdict.summary == "ben at api-2 got event 2 2 times."
    assert verdict.observed == "2 copies of progress (seq 2): at 1.020 s, at 1.030 s"


def test_who_left_is_not_missed():
    story = told()
    story.say("driver.unsubscribed", 0.75, "a", subscriber="ben")
    assert without(**bens(seq=3))(story).judged_by(LAW).status is Status.HOLDS


def test_clients_of_one_process_that_watch_alone_say_nothing():
    story = told()
    for name in ("ben", "clara"):
        story.say("driver.unsubscribed", 0.1, "a", subscriber=name)
    story = without("driver.event", subscriber="ben")(story)
    verdict = without("driver.event", subscriber="clara")(story).judged_by(LAW)
    assert verdict.status is UNSAID
    assert "Only clients of api" in verdict.summary
