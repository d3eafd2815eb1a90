import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, both, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

SOFT = "time_limit.soft-limit-cleans-up"
HARD = "time_limit.hard-limit-kills"

UNSAID = Status.INCONCLUSIVE


def watched_run() -> Story:
    """A job with limits of 3 and 5 s whose run starts at 1.0."""
    return Story().submitted("a", 0.0).subscribed("a", 0.1).started("a", 1.0)


# time_limit.soft-limit-cleans-up


def stopped_softly(t: float = 4.1) -> Story:
    return watched_run().cleaned("a", t).ended("a", t, "soft_time_limit")


def test_stopped_cleaned_up_and_told_holds():
    story = stopped_softly().event("a", "failed", 4.2, reason="soft_time_limit")
    verdict = story.watched(7.0).judged_by(SOFT)
    assert verdict.status is Status.HOLDS
    assert verdict.measured["soft_grace_s"] == pytest.approx(0.1)


def test_a_stop_without_clean_up_is_violated():
    story = watched_run().ended("a", 4.1, "soft_time_limit")
    story.event("a", "failed", 4.2, reason="soft_time_limit").watched(7.0)
    verdict = story.judged_by(SOFT)
    assert verdict.status is Status.VIOLATED
    assert "cleaned nothing up" in verdict.summary


def test_a_run_that_only_its_hard_limit_ends_is_violated():
    story = watched_run().reported("a", 6.1, "hard_time_limit")
    story.event("a", "failed", 6.2, reason="hard_time_limit").watched(9.0)
    verdict = story.judged_by(SOFT)
    assert verdict.status is Status.VIOLATED
    assert "hard_time_limit" in verdict.observed


def test_a_hard_limit_right_after_the_soft_one_leaves_no_doubt():
    """The child leaves by SIGTERM within the grace, because the hard limit struck."""
    story = watched_run().ended("a", 5.9, "raised:SystemExit")
    story.reported("a", 5.9, "hard_time_limit")
    story.event("a", "failed", 6.0, reason="hard_time_limit").watched(9.0)
    assert story.judged_by(SOFT).status is Status.VIOLATED


def orderly(overrun_s: float, told_s: float, people: int) -> Story:
    story = stopped_softly(4.0 + overrun_s)
    for person in ("ben", "clara")[: people - 1]:
        story.subscribed("a", 0.1, by=person)
    for person in ("anna", "ben", "clara")[:people]:
        t, why = 4.0 + overrun_s + told_s, "soft_time_limit"
        story.event("a", "failed", t, by=person, reason=why)
    return story.watched(15.0)


WORKED_ON = changed("journal.end", to={"how": "returned"})

test_only_an_orderly_stop_that_is_told_holds = properties.of(
    SOFT,
    st.builds(orderly, st.floats(0.0, 1.5), st.floats(0.0, 0.49), st.integers(1, 3)),
    Damage("no-clean-up", without("journal.mark")),
    Damage("another-mark", changed("journal.mark", to={"name": "half-way"})),
    Damage("never-ends", without("journal.end")),
    Damage("ends-late", moved("journal.end", by_s=2.1)),
    Damage("works-on", both(WORKED_ON, moved("journal.end", by_s=2.1))),
    Damage("told-completed", changed("driver.event", to={"event": "completed"})),
    Damage("told-lost", changed("driver.event", to={"reason": "lost"})),
    Damage("not-told", without("driver.event")),
    Damage("told-late", moved("driver.event", by_s=2.1)),
    Damage("done-before", both(WORKED_ON, moved("journal.end", by_s=-2.0)), UNSAID),
    Damage("nobody-watched", without("driver.subscribed"), UNSAID),
    Damage("never-started", without("journal.start"), UNSAID),
    Damage("hurt-before", lambda story: story.fault("pause_child", 2.0), UNSAID),
    Damage("cancelled-before", lambda story: story.cancel("a", 2.0), UNSAID),
)


# time_limit.hard-limit-kills


def relieved(gone_s: float, told_s: float, next_s: float, frozen: bool) -> Story:
    """A run is killed at its hard limit; a job that waits takes its place."""
    story, gone_t = watched_run().submitted("b", 1.5), 6.0 + gone_s
    if frozen:
        story.fault("pause_child", 2.0)
    story.gone(gone_t).reported("a", gone_t, "hard_time_limit")
    story.event("a", "failed", gone_t + told_s, reason="hard_time_limit")
    next_t = gone_t + next_s
    story.started("b", next_t, pid=11).ended("b", next_t + 0.5, pid=11)
    return story.watched(60.0)


def test_gone_told_and_succeeded_holds():
    verdict = relieved(0.2, 0.1, 0.8, frozen=True).judged_by(HARD)
    assert verdict.status is Status.HOLDS
    assert verdict.measured["kill_s"] == pytest.approx(0.2)
    assert verdict.measured["t_rec_s"] == pytest.approx(0.8)


def test_a_process_that_writes_after_its_limit_is_violated():
    story = watched_run().fault("pause_child", 2.0).healed("pause_child", 20.0)
    story.ended("a", 20.5, "soft_time_limit").watched(25.0)
    verdict = story.judged_by(HARD)
    assert verdict.status is Status.VIOLATED
    assert not verdict.timed
    assert "outlived" in verdict.summary


def test_a_run_within_its_limit_is_no_case():
    story = watched_run().ended("a", 2.0).watched(30.0)
    assert story.judged_by(HARD).status is Status.INCONCLUSIVE


def lives_on(story: Story) -> Story:
    return story.say("journal.mark", 9.0, "a", pid=10, name="epoch")


LOST = {"reason": "lost"}
SAID_LOST = both(
    changed("ledger.end", to={"how": "lost"}), changed("driver.event", to=LOST)
)

test_only_a_prompt_kill_that_is_told_and_a_successor_hold = properties.of(
    HARD,
    st.builds(
        relieved,
        st.floats(0.05, 1.9),
        st.floats(0.0, 9.0),
        st.floats(0.1, 9.9),
        st.booleans(),
    ),
    Damage("gone-late", moved("probe.gone", by_s=2.1)),
    Damage("lives-on", lives_on),
    Damage("told-completed", changed("driver.event", to={"event": "completed"})),
    Damage("told-lost", changed("driver.event", to=LOST)),
    Damage("told-nothing", without("driver.event")),
    Damage("told-late", moved("driver.event", by_s=16.1)),
    Damage("said-to-be-lost", SAID_LOST),
    Damage("the-next-never-starts", without("journal.start", "b")),
    Damage("the-next-is-late", moved("journal.start", "b", by_s=10.0)),
    Damage("the-next-in-no-process", changed("journal.start", "b", to={"pid": 10})),
    Damage("nobody-saw-it-go", without("probe.gone"), UNSAID),
    Damage("nobody-waited", without("driver.submitted", "b"), UNSAID),
    Damage("never-started", without("journal.start", "a"), UNSAID),
    Damage("killed-by-a-fault", lambda s: s.fault("kill_child", 2.5), UNSAID),
)
