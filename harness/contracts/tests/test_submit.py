import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, both, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

IN_TIME, OTHERS = "submit.answers-in-time", "submit.does-not-block-others"

UNSAID = Status.INCONCLUSIVE


def answered(story: Story, t: float, took_s: float, code: int = 503, **more) -> Story:
    about = {"api": "api-2", "code": code, "took_s": took_s, **more}
    if code == 202:
        return story.say(
            "driver.submitted", t + took_s, f"j{t}", accepted=True, **about
        )
    return story.say("driver.refused", t + took_s, **about)


def asked(story: Story, begin: float, end: float, late_s: float = 0.01) -> Story:
    for n in range(int((end - begin) / 0.02)):
        t = begin + n * 0.02 + late_s
        story.say("probe.health", t, api="api-2", code=200, late_s=late_s)
    return story


def away(took_s: float, code: int) -> Story:
    """Redis refuses an API, then hangs; each time somebody submits."""
    story = Story().fault("refuse", 1.0, role="api-2")
    answered(story, 1.1, 0.01, code).healed("refuse", 2.0, role="api-2")
    story.fault("black_hole", 3.0, role="api-2")
    asked(answered(story, 3.1, took_s, code), 3.1, 3.1 + took_s)
    return story.healed("black_hole", 6.0, role="api-2").watched(7.0)


def took(seconds: float) -> properties.Edit:
    return changed("driver.refused", to={"took_s": seconds})


legal = st.builds(away, st.floats(1.0, 1.9), st.sampled_from([202, 503]))

refused = st.builds(away, st.floats(1.0, 1.9), st.just(503))

test_only_a_submit_that_is_answered_in_time_holds = properties.of(
    IN_TIME,
    refused,
    Damage("too-late", both(moved("driver.refused", by_s=2.0), took(2.1))),
    Damage("an-error-of-ours", changed("driver.refused", to={"code": 500})),
    Damage("nothing-submitted", without("driver.refused"), UNSAID),
    Damage("redis-answered", without("fault.injected", fault="black_hole"), UNSAID),
    Damage("it-never-refused", without("fault.injected", fault="refuse"), UNSAID),
    Damage("another-api", changed("driver.refused", to={"api": "api"}), UNSAID),
)

test_only_an_api_that_answers_others_holds = properties.of(
    OTHERS,
    legal,
    Damage(
        "all-late",
        both(
            moved("probe.health", by_s=0.3),
            changed("probe.health", to={"late_s": 0.31}),
        ),
    ),
    Damage("no-answers", changed("probe.health", to={"code": None})),
    Damage("nobody-asked", without("probe.health"), UNSAID),
    Damage("another-api", changed("probe.health", to={"api": "api"}), UNSAID),
    Damage("nothing-hung", without("fault.injected", fault="black_hole"), UNSAID),
)


def test_a_submit_without_an_answer_is_late():
    story = away(1.0, 503).fault("refuse", 8.0, role="redis")
    story.say("driver.unanswered", 13.2, api="api-2", took_s=5.0, error="ReadTimeout")
    verdict = story.judged_by(IN_TIME)
    assert verdict.status is Status.VIOLATED
    assert "no answer in 5.00 s" in verdict.observed


@pytest.mark.parametrize(("late", "status"), [(1, Status.HOLDS), (2, Status.VIOLATED)])
def test_one_in_a_hundred_may_be_late(late, status):
    story = Story().fault("black_hole", 0.9, role="api-2")
    asked(answered(story, 1.0, 1.9), 1.0, 2.9)
    for _ in range(late):
        story.say("probe.health", 2.5, api="api-2", code=200, late_s=0.4)
    asked(story, 1.0, 1.2)
    assert len(story.history.of(source="probe")) in range(100, 110)
    assert story.judged_by(OTHERS).status is status


def test_what_is_asked_while_the_harness_stands_still_says_nothing():
    story = Story().submitted("a", 0.5).fault("black_hole", 0.9, role="api-2")
    asked(answered(story, 1.0, 1.9), 1.0, 2.9)
    for n in range(10):
        late_s = 0.5 - n / 20
        story.say("probe.health", 2.5, api="api-2", code=200, late_s=late_s)
    assert story.judged_by(OTHERS).status is Status.VIOLATED
    story.say("harness.heartbeat", 2.55, gap_s=0.6).submitted("b", 3.0)
    assert story.judged_by(OTHERS).status is Status.HOLDS
    story.say("harness.heartbeat", 2.9, gap_s=1.8)
    assert story.judged_by(OTHERS).status is UNSAID
