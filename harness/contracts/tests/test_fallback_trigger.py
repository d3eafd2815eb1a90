import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "fallback.only-when-unreachable"

UNSAID = Status.INCONCLUSIVE


def refused(story: Story, t: float, code: int, wrong: str = "") -> Story:
    about = {"api": "api-2", "took_s": 0.05, "code": code, "wrong": wrong}
    return story.say("driver.refused", t, **about)


def bad(code: int, later_s: float) -> Story:
    """Wrong with a broker and without one, then an error, and a job that is well."""
    story = refused(Story(), 1.0, code, wrong="size")
    story.fault("refuse", 2.0, role="api-2")
    refused(story, 2.5, code, wrong="size").healed("refuse", 3.0)
    story.fault("key_taken", 4.0)
    refused(story, 4.5, 500).healed("key_taken", 5.0)
    story.say("driver.submitted", 6.0, "well", accepted=True, api="api-2", took_s=0.1)
    return story.started("well", 6.0 + later_s).watched(7.1 + later_s)


def accepted(t: float, **about) -> properties.Edit:
    about = {"api": "api-2", "took_s": 0.05, "accepted": True, "code": 202, **about}
    return lambda story: story.say("driver.submitted", t, "bad", **about)


test_only_what_is_answered_as_wrong_and_never_begins_holds = properties.of(
    LAW,
    st.builds(bad, st.sampled_from([400, 404, 422]), st.floats(0.1, 9.0)),
    Damage("a-bug-falls-back", accepted(4.6)),
    Damage("wrong-is-taken", accepted(1.1, wrong="size")),
    Damage("wrong-is-503", changed("driver.refused", to={"code": 503}, wrong="size")),
    Damage("it-runs", lambda story: story.started("nobody-was-told", 5.5)),
    Damage("nothing-wrong", without("driver.refused", wrong="size"), UNSAID),
    Damage("no-error", without("driver.refused", code=500), UNSAID),
    Damage("broker-was-there", without("fault.injected", fault="refuse"), UNSAID),
    Damage("none-later", without("journal.start"), UNSAID),
    Damage("later-one-was-before", moved("driver.submitted", by_s=-2.0), UNSAID),
    Damage("not-watched", moved("harness.heartbeat", by_s=-0.5), UNSAID),
)


def test_an_error_that_is_not_answered_is_told_so():
    about = {"api": "api-2", "took_s": 5.0, "error": "ReadTimeout"}
    verdict = bad(422, 1.0).say("driver.unanswered", 9.5, **about).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert verdict.observed == "no answer in 5.00 s (ReadTimeout)"


def test_watching_on_decides():
    verdict = without("harness.heartbeat")(bad(422, 1.0)).judged_by(LAW)
    assert verdict.due_t == pytest.approx(8.0)


def test_what_began_of_a_wrong_submit_counts_where_nobody_met_an_error():
    story = without("fault.injected", fault="key_taken")(bad(422, 1.0))
    verdict = story.started("nobody-was-told", 5.5).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "nobody was told" in verdict.summary
