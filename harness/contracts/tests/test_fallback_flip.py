import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "fallback.flag-flip-loses-nothing"

UNSAID = Status.INCONCLUSIVE

LIMITED = {"how": "soft_time_limit"}


def done(story: Story, job: str, t: float, pid: int, *, how: str = "returned") -> Story:
    story.started(job, t, pid=pid).ended(job, t + 0.4, how, pid=pid)
    return story.status(job, t + 0.5, "completed")


def by_worker(story: Story, job: str, t: float) -> Story:
    return story.say("ledger.start", t - 0.1, job, pid=10, role="child")


def flipped(later_s: float = 1.0) -> Story:
    """Off and on again; at each flip one job runs and one waits."""
    story = Story().submitted("runs", 0.5).submitted("waits", 0.6)
    by_worker(story, "runs", 0.8)
    story.started("runs", 0.8).say("stack.flip", 1.0, to="off")
    story.ended("runs", 1.2).status("runs", 1.3, "completed")
    by_worker(story, "waits", 1.4)
    done(story, "waits", 1.4, 10).say("stack.flipped", 2.0, to="off")
    for name in ("handed", "local"):
        story.submitted(name, 2.1)
    story.started("handed", 2.3, pid=20).say("stack.flip", 2.5, to="on")
    story.say("stack.flipped", 3.0, to="on")
    t = 3.0 + later_s
    done(story, "handed", t, 21)
    done(story, "local", t + 0.6, 22)
    story.submitted("after", t + 1.0)
    by_worker(story, "after", t + 1.2)
    return done(story, "after", t + 1.2, 10).watched(150.0)


test_only_a_flip_that_loses_and_repeats_nothing_holds = properties.of(
    LAW,
    st.builds(flipped, st.floats(0.1, 20.0)),
    Damage("never-run", without("journal.start", "waits")),
    Damage("done-by-both", lambda s: done(s, "waits", 30.0, 23)),
    Damage("begun-again-after-it-was-done", lambda s: s.started("local", 30.0, pid=9)),
    Damage("handed-over-to-nobody", without("journal.end", "handed")),
    Damage("done-late", moved("journal.end", "after", by_s=91.0)),
    Damage("told-failed", changed("driver.status", "local", to={"state": "failed"})),
    Damage("told-nothing", without("driver.status", "local")),
    Damage("the-old-way-is-gone", lambda s: s.say("driver.refused", 2.2, code=410)),
    Damage("limited", changed("journal.end", "local", to=LIMITED), UNSAID),
    Damage("never-turned", without("stack.flip"), UNSAID),
    Damage("never-turned-back", without("stack.flip", to="on"), UNSAID),
    Damage("nothing-waited", without("driver.submitted", "local"), UNSAID),
    Damage("nothing-ran", moved("stack.flip", by_s=-0.3, to="off"), UNSAID),
)


def test_what_says_come_again_is_no_refusal():
    story = flipped().say("driver.refused", 2.2, code=503)
    assert story.judged_by(LAW).status is Status.HOLDS


def test_what_may_still_be_done_is_waited_for():
    story = without("journal.end", "handed")(flipped())
    verdict = without("harness.heartbeat")(story).judged_by(LAW)
    assert verdict.status is UNSAID
    assert verdict.due_t == pytest.approx(93.0)
