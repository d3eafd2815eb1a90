import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, again, both, changed, moved, without
from harness.tests.scheduled import ran, regular, scheduled
from harness.tests.story import Story
from harness.verdict import Status

KILLED = "schedule.returns-after-a-kill"
LOST = "schedule.survives-lost-lock"


def killed(every_s: float = 1.0, away_s: float = 4.0, back: int = 4) -> Story:
    """Beat is killed at 10.0, and so much later there are so many runs."""
    story = regular(scheduled(every_s), 0.3, 9.9, every_s)
    story.fault("kill_main", 10.0, role="beat", pid=11)
    for slot in range(back):
        ran(story, 10.0 + away_s + slot * every_s)
    return story.watched(10.1 + away_s + (back - 1) * every_s)


def test_a_beat_that_runs_again_in_time_holds():
    verdict = killed().judged_by(KILLED)
    assert verdict.status is Status.HOLDS
    assert verdict.measured["returns_s"] == pytest.approx(3.0)
    assert verdict.summary == "sweep ran 4.00 s after the kill, then every 1 s."


def test_one_that_comes_too_late_or_never_is_violated():
    late = killed(away_s=25.0).judged_by(KILLED)
    assert late.status is Status.VIOLATED
    assert late.summary == "sweep did not come back after the kill."
    never = killed(back=0).watched(40.0).judged_by(KILLED)
    assert never.status is Status.VIOLATED
    assert never.observed == "no run, until 40.00 s"


def test_one_that_sends_once_and_stops_is_violated():
    assert killed(back=1).watched(40.0).judged_by(KILLED).status is Status.VIOLATED


def test_one_run_to_catch_up_is_fine_and_one_for_each_missed_slot_is_not():
    story = killed()
    ran(story, 14.01)
    assert story.judged_by(KILLED).status is Status.HOLDS
    ran(story, 14.02)
    verdict = story.judged_by(KILLED)
    assert verdict.status is Status.VIOLATED
    assert verdict.expected.endswith("and 1 to catch up")


def test_two_runs_at_once_are_not_regular_yet():
    story = ran(killed(back=1), 14.01)
    assert story.watched(14.2).judged_by(KILLED).status is Status.INCONCLUSIVE
    for t in (14.02, 15.0):
        ran(story, t)
    assert story.watched(15.1).judged_by(KILLED).status is Status.VIOLATED


def test_a_catch_up_close_behind_the_last_run_before_the_kill_is_fine():
    # a schedule that is saved every three minutes: it sends again what it just sent
    story = regular(scheduled(5.0), 0.0, 10.0, 5.0)
    story.fault("kill_main", 10.1, role="beat", pid=11)
    for t in (11.9, 16.9, 21.9):
        ran(story, t)
    assert story.watched(22.0).judged_by(KILLED).status is Status.HOLDS


def test_it_is_watched_on_until_the_runs_are_regular():
    verdict = killed(back=1).judged_by(KILLED)
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.due_t == pytest.approx(15.5)
    story = killed(back=1).fault("pause", 14.2, role="worker").watched(14.3)
    assert story.judged_by(KILLED).due_t is None


def test_a_kill_of_another_part_is_none_of_beat():
    story = scheduled().fault("kill_main", 10.0, role="worker").watched(60.0)
    assert story.judged_by(KILLED).status is Status.INCONCLUSIVE
    assert story.judged_by(LOST).status is Status.INCONCLUSIVE


twice = again("ledger.start", after_s=0.01)

test_only_a_beat_that_returns_holds = properties.of(
    KILLED,
    st.builds(
        killed, st.sampled_from([1.0, 2.0]), st.floats(0.2, 15), st.integers(4, 6)
    ),
    Damage(
        "never",
        both(without("ledger.start"), moved("harness.heartbeat", by_s=30)),
    ),
    Damage("each-four-times", both(twice, twice)),
    Damage(
        "all-without-effect",
        both(
            changed("ledger.end", to={"how": "ignored"}),
            moved("harness.heartbeat", by_s=30),
        ),
    ),
    Damage("no-kill", without("fault.injected"), Status.INCONCLUSIVE),
    Damage("not-asked-for", without("agent.schedule"), Status.INCONCLUSIVE),
)


def frozen(every_s: float = 1.0, takeover_s: float = 4.0, thaw_s: float = 7.0) -> Story:
    """A leader is frozen from 10.0 on; another one leads; it leaves 5 periods later."""
    story = regular(scheduled(every_s), 0.3, 9.9, every_s)
    story.fault("replica", 3.0, role="beat-2", pid=20)
    story.fault("pause", 10.0, role="beat", pid=11)
    leaves_t = 10.0 + thaw_s + 5 * every_s
    regular(story, 10.0 + takeover_s, leaves_t, every_s)
    story.healed("pause", 10.0 + thaw_s)
    story.healed("replica", leaves_t, role="beat-2")
    regular(story, leaves_t + every_s, leaves_t + 4.5 * every_s, every_s)
    return story.watched(leaves_t + 4.5 * every_s)


def test_two_that_relieve_each_other_hold():
    assert frozen().judged_by(LOST).status is Status.HOLDS


def test_one_that_sends_beside_the_other_when_it_wakes_up_is_violated():
    for moment in (0.0, 0.01, 0.3, 0.49):
        story = ran(frozen(), 17.0 + moment)
        verdict = story.judged_by(LOST)
        assert verdict.status is Status.VIOLATED
        assert "more often" in verdict.summary


def test_one_that_leads_never_again_is_violated_when_the_other_has_left():
    story = regular(scheduled(), 0.3, 9.9, 1.0)
    story.fault("replica", 3.0, role="beat-2", pid=20)
    story.fault("pause", 10.0, role="beat", pid=11)
    regular(story, 14.0, 21.9, 1.0).healed("pause", 17.0)
    story.healed("replica", 22.0, role="beat-2")
    verdict = story.watched(43.1).judged_by(LOST)
    assert verdict.status is Status.VIOLATED
    assert "after the second scheduler left" in verdict.summary


def test_a_freeze_in_which_nobody_took_over_proves_nothing():
    story = regular(scheduled(), 0.3, 9.9, 1.0)
    story.fault("pause", 10.0, role="beat", pid=11).healed("pause", 12.0)
    regular(story, 12.3, 20.0, 1.0).watched(20.0)
    verdict = story.judged_by(LOST)
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.summary.startswith("Nobody else sent sweep")


def test_a_frozen_beat_that_was_killed_is_no_case():
    story = regular(scheduled(), 0.3, 9.9, 1.0)
    story.fault("pause", 10.0, role="beat", pid=11)
    story.fault("kill_main", 16.0, role="beat", pid=11).healed("pause", 16.01)
    regular(story, 17.0, 30.0, 1.0).watched(30.0)
    assert story.judged_by(LOST).status is Status.INCONCLUSIVE
    assert story.judged_by(KILLED).status is Status.HOLDS


def restarted(every_s: float = 1.0, away_s: float = 1.0, late_s: float = 0.5) -> Story:
    """Redis is away from 10.0 on, and runs go on a little later."""
    story = regular(scheduled(every_s), 0.3, 9.9, every_s)
    story.fault("redis_restart", 10.0, role="redis", pid=5)
    back_t = 10.0 + away_s
    story.healed("redis_restart", back_t)
    regular(story, back_t + late_s, back_t + late_s + 4 * every_s, every_s)
    return story.watched(back_t + late_s + 4 * every_s)


def test_after_a_restart_of_redis_one_late_run_close_to_the_next_is_fine():
    story = regular(scheduled(), 0.3, 9.9, 1.0)
    story.fault("redis_restart", 10.0, role="redis", pid=5)
    ran(story.healed("redis_restart", 11.0), 12.2)
    regular(story, 12.3, 20.0, 1.0).watched(20.0)
    assert story.judged_by(LOST).status is Status.HOLDS


def test_a_scheduler_that_stops_for_ever_after_a_restart_of_redis_is_violated():
    story = regular(scheduled(), 0.3, 9.9, 1.0)
    story.fault("redis_restart", 10.0, role="redis", pid=5)
    story.healed("redis_restart", 11.0)
    assert story.watched(20.0).judged_by(LOST).status is Status.INCONCLUSIVE
    assert story.watched(33.0).judged_by(LOST).status is Status.VIOLATED


def test_a_redis_that_is_still_away_is_no_case_yet():
    story = scheduled().fault("redis_restart", 10.0, role="redis", pid=5)
    assert story.watched(60.0).judged_by(LOST).status is Status.INCONCLUSIVE


test_only_a_scheduler_that_survives_holds = properties.of(
    LOST,
    st.one_of(
        st.builds(
            frozen,
            st.sampled_from([1.0, 2.0]),
            st.floats(3.0, 4.5),
            st.floats(6.6, 9.0),
        ),
        st.builds(
            restarted, st.sampled_from([1.0, 2.0]), st.floats(0.2, 3), st.floats(0, 0.9)
        ),
    ),
    Damage("every-run-twice", again("ledger.start", after_s=0.01)),
    Damage("never", both(without("ledger.start"), moved("harness.heartbeat", by_s=40))),
    Damage("no-fault", without("fault.injected"), Status.INCONCLUSIVE),
    Damage("never-healed", without("fault.healed"), Status.INCONCLUSIVE),
    Damage("not-asked-for", without("agent.schedule"), Status.INCONCLUSIVE),
)
