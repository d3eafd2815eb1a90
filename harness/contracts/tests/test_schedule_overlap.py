import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, again, both, changed, without
from harness.tests.scheduled import ran, regular, scheduled
from harness.tests.story import Story
from harness.verdict import Status

LAW = "schedule.no-overlap"


def helped(every_s: float = 1.0) -> Story:
    """Two workers serve the schedule."""
    return scheduled(every_s).fault("replica", 1.0, role="worker-2", pid=21)


def long_run(every_s: float = 1.0, took_s: float = 4.0) -> Story:
    """One run of many periods, then regular ones."""
    story = regular(helped(every_s), 2.0, 4.9, every_s)
    ran(story, 5.0, took_s=took_s)
    after_t = 5.0 + took_s + 0.3
    return regular(story, after_t, after_t + 2 * every_s, every_s).watched(30.0)


def test_a_long_run_alone_holds():
    verdict = long_run().judged_by(LAW)
    assert verdict.status is Status.HOLDS
    assert (
        verdict.summary
        == "sweep took 4.00 s, every 1 s, and did not run beside itself."
    )


def test_a_start_while_the_last_run_goes_on_is_violated():
    story = ran(long_run(), 7.0, pid=12)
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert verdict.observed == "a start at 7.00 s, pid 12 beside pid 10"
    assert not verdict.timed


def test_two_that_share_the_work_are_not_long_and_beside_each_other():
    """Longer than the period, not than what a start may be late."""
    story = ran(regular(helped(2.0), 1.0, 4.9, 2.0), 5.0, took_s=2.7)
    story = ran(story, 7.0, took_s=0.8, pid=12).watched(30.0)
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert verdict.observed == "a start at 7.00 s, pid 12 beside pid 10"


def test_one_that_starts_when_the_last_one_is_all_but_over_is_fine():
    assert ran(long_run(), 8.9, pid=12).judged_by(LAW).status is Status.HOLDS
    assert ran(long_run(), 8.4, pid=12).judged_by(LAW).status is Status.VIOLATED


def test_one_that_starts_and_finds_that_it_is_not_alone_is_fine():
    story = ran(long_run(), 7.0, pid=12, how="ignored")
    assert story.judged_by(LAW).status is Status.HOLDS


def test_a_long_run_with_nobody_free_beside_it_proves_nothing():
    story = ran(scheduled(), 5.0, took_s=4.0).watched(30.0)
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.summary.startswith("No run took longer")


def test_short_runs_say_nothing_about_overlapping():
    story = regular(helped(), 2.0, 20.0, 1.0).watched(20.0)
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.summary.startswith("No run took longer")


def away(every_s: float = 1.0, away_s: float = 3.5, runs: int = 1) -> Story:
    """The workers are frozen from 10.0 on; then so many runs at once, then the rest."""
    story = regular(scheduled(every_s), 0.3, 9.9, every_s)
    story.fault("pause", 10.0, role="worker", pid=2)
    back_t = 10.0 + away_s * every_s
    story.healed("pause", back_t)
    for number in range(runs):
        ran(story, back_t + 0.01 * number)
    regular(story, back_t + 0.4 * every_s, back_t + 2.1 * every_s, every_s)
    return story.watched(back_t + 2.1 * every_s)


def test_one_run_for_all_that_were_missed_holds():
    assert away(runs=0).judged_by(LAW).status is Status.HOLDS
    assert away(runs=1).judged_by(LAW).status is Status.HOLDS


def test_one_run_for_each_that_was_missed_is_violated():
    verdict = away(runs=3).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert verdict.expected.endswith("and 1 to catch up")


def test_the_declared_number_may_be_another():
    assert away(runs=3).judged_by(LAW, catch_up_runs=3).status is Status.HOLDS
    assert away(runs=5).judged_by(LAW, catch_up_runs=3).status is Status.VIOLATED


def test_a_short_absence_and_that_of_another_part_are_no_case():
    assert away(away_s=2.5, runs=3).judged_by(LAW).status is Status.INCONCLUSIVE
    story = scheduled().fault("pause", 10.0, role="beat", pid=2).healed("pause", 20.0)
    assert story.watched(30.0).judged_by(LAW).status is Status.INCONCLUSIVE


def test_after_an_absence_it_is_watched_for_a_period():
    story = scheduled().fault("pause", 10.0, role="worker", pid=2)
    ran(story.healed("pause", 14.0), 14.01).watched(14.5)
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.due_t == pytest.approx(15.0)
    none = scheduled().fault("pause", 10.0, role="worker", pid=2).healed("pause", 14.0)
    assert none.watched(60.0).judged_by(LAW).due_t is None


twice = again("ledger.start", after_s=0.01)

test_only_single_runs_hold = properties.of(
    LAW,
    st.builds(long_run, st.sampled_from([1.0, 2.0]), st.floats(3.1, 9.0)),
    Damage("every-run-twice", again("ledger.start", after_s=0.2)),
    Damage("nobody-beside", without("fault.injected"), Status.INCONCLUSIVE),
    Damage("no-ends", without("ledger.end"), Status.INCONCLUSIVE),
    Damage("not-asked-for", without("agent.schedule"), Status.INCONCLUSIVE),
)

test_only_few_runs_after_an_absence_hold = properties.of(
    LAW,
    st.builds(
        away,
        st.sampled_from([1.0, 2.0]),
        st.floats(3.1, 9.0),
        st.integers(0, 1),
    ),
    Damage("each-four-times", both(twice, twice)),
    Damage("no-runs", without("ledger.start"), Status.INCONCLUSIVE),
    Damage(
        "all-without-effect",
        changed("ledger.end", to={"how": "ignored"}),
        Status.INCONCLUSIVE,
    ),
    Damage("never-back", without("fault.healed"), Status.INCONCLUSIVE),
)
