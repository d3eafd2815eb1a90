import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, both, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "fallback.is-bounded"

UNSAID = Status.INCONCLUSIVE

LIMITED = {"how": "soft_time_limit"}


def done(story: Story, job: str, t: float, pid: int) -> Story:
    story.started(job, t, pid=pid).ended(job, t + 0.4, pid=pid)
    return story.status(job, t + 0.5, "completed")


def handed_over(later_s: float = 1.0, back_s: float = 1.0) -> Story:
    """Redis is away, the API has four jobs and is asked to leave; Redis comes back."""
    story = Story().fault("redis_stop", 1.0, "redis", 2)
    for n in range(4):
        story.submitted(f"{n}", 1.5)
    done(story, "0", 2.0, 20).started("1", 2.6, pid=21)
    story.fault("terminate", 3.0, "api", 3).gone(3.5, pid=21)
    story.say("stack.exited", 3.6, role="api", pid=3)
    t = 3.6 + later_s
    for n in (1, 2, 3):
        done(story, f"{n}", t + n, 21 + n)
    t += 4.0
    story.healed("redis_stop", t).submitted("next", t + back_s)
    t += back_s + 0.2
    story.say("ledger.start", t, "next", pid=10, role="child")
    return done(story, "next", t, 10).watched(150.0)


def at_once(story: Story) -> Story:
    story.submitted("more", 1.5).submitted("again", 1.5)
    done(story, "more", 2.1, 30)
    return done(story, "again", 2.2, 31)


def went_on(story: Story) -> Story:
    """A job long after the broker was back, by the API itself."""
    return done(story.submitted("late", 80.0), "late", 80.1, 40)


test_only_a_few_that_are_kept_and_not_for_ever_hold = properties.of(
    LAW,
    st.builds(handed_over, st.floats(0.1, 20.0), st.floats(0.1, 9.0)),
    Damage("three-at-once", at_once),
    Damage("lost-while-it-ran", without("journal.start", "1")),
    Damage("lost-while-it-waited", without("journal.start", "3")),
    Damage(
        "told-failed",
        both(
            without("journal.end", "1"),
            changed("driver.status", "1", to={"state": "failed"}),
        ),
    ),
    Damage("done-twice", lambda s: done(s, "2", 40.0, 33)),
    Damage("done-late", moved("journal.end", "3", by_s=91.0)),
    Damage("goes-on-for-ever", went_on),
    Damage("never-away", without("fault.injected", fault="redis_stop"), UNSAID),
    Damage(
        "never-asked-to-leave", without("fault.injected", fault="terminate"), UNSAID
    ),
    Damage(
        "nothing-ran-then",
        moved("fault.injected", by_s=-0.5, fault="terminate"),
        UNSAID,
    ),
    Damage("limited", changed("journal.end", "3", to=LIMITED), UNSAID),
    Damage(
        "few-jobs",
        both(without("driver.submitted", "2"), without("driver.submitted", "3")),
        UNSAID,
    ),
    Damage("nothing-later", without("driver.submitted", "next"), UNSAID),
)


def test_what_was_measured_is_told():
    verdict = handed_over().judged_by(LAW)
    assert verdict.measured["at_once"] == 1
    assert verdict.measured["t_rec_s"] == pytest.approx(5.0)


def test_the_number_at_once_is_the_targets():
    story = done(handed_over().submitted("more", 1.5), "more", 2.1, 30)
    assert story.judged_by(LAW).status is Status.HOLDS
    assert story.judged_by(LAW, at_once=1).status is Status.VIOLATED


def test_a_job_right_after_the_outage_may_still_be_the_apis():
    story = handed_over(back_s=3.0)
    back_t = story.history.of(source="fault", kind="healed")[0].t
    story = done(story.submitted("soon", back_t + 0.1), "soon", back_t + 0.2, 40)
    assert story.judged_by(LAW).status is Status.HOLDS
