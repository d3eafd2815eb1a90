import pytest
from hypothesis import strategies as st

from harness import verdict
from harness.tests import properties
from harness.tests.properties import Damage, again, both, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "terminal.exactly-one"


def told(ended_t: float = 1.0) -> Story:
    story = Story().submitted("a", 0.0).subscribed("a", 0.1)
    return story.event("a", "completed", ended_t).watched(9.0)


def test_a_law_that_does_not_notice_a_damage_fails():
    with pytest.raises(AssertionError, match="holds"):
        properties.caught(LAW, told(), Damage("x", moved("driver.event", by_s=0.5)))


def test_a_law_that_does_not_hold_on_a_legal_story_fails():
    with pytest.raises(AssertionError, match="2 endings"):
        properties.holds(LAW, again("driver.event", after_s=0.5)(told()))


def test_a_law_that_accuses_a_story_that_still_goes_on_fails(monkeypatch):
    def hasty(story, law):
        watched = story.history.watched_until_s > 5
        return verdict.holds("fine") if watched else verdict.violated("too soon")

    monkeypatch.setattr(Story, "judged_by", hasty)
    with pytest.raises(AssertionError, match=r"cut at 0\.0: .*too soon"):
        properties.holds(LAW, told())


def test_a_damage_that_hits_nothing_is_no_damage():
    with pytest.raises(AssertionError, match=r"there is no probe\.gone"):
        without("probe.gone")(told())


def test_two_edits_are_one_damage():
    edit = both(without("harness.heartbeat"), moved("driver.event", by_s=1.0))
    assert [o.t for o in edit(told()).history.observations] == [0.0, 0.0, 0.1, 2.0]


test_the_test_it_makes_judges_what_is_legal_and_each_damage = properties.of(
    LAW,
    st.builds(told, st.floats(0.2, 7.9)),
    Damage("no-end", without("driver.event"), Status.INCONCLUSIVE),
    Damage("two-ends", again("driver.event", after_s=0.1)),
)


def test_the_test_it_makes_fails_where_a_damage_goes_unnoticed():
    harmless = Damage("later", moved("driver.event", by_s=0.5))
    test = properties.of(LAW, st.builds(told, st.floats(0.2, 7.0)), harmless)
    with pytest.raises(AssertionError, match="saw one ending"):
        test(damage=harmless)
    test(damage=None)
