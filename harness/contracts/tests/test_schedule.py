import pytest
from hypothesis import strategies as st

from harness.contracts.schedule import NAME
from harness.tests import properties
from harness.tests.properties import Damage, again, changed, moved, without
from harness.tests.scheduled import ran, scheduled
from harness.tests.story import Story
from harness.verdict import Status

LAW = "schedule.one-run-per-slot"


def watching(every_s: float | None = 1.0, **entries) -> Story:
    """From 1.0 on an entry `sweep` is watched, and any others that are named."""
    story = scheduled(every_s, **entries)
    return story.say("harness.situation", 1.0, name=NAME)


def steady(offs=(0.0,) * 11, phase_s: float = 0.4, every_s: float = 1.0) -> Story:
    """Eleven runs of an entry, each so far off its time; watched for eleven slots."""
    story = watching(every_s)
    for slot, off_s in enumerate(offs):
        ran(story, 1.0 + phase_s + slot * every_s + off_s)
    return story.watched(1.0 + len(offs) * every_s)


def test_one_run_per_slot_holds():
    verdict = steady(offs=(0.0,) * 5 + (0.1,) + (0.0,) * 5).judged_by(LAW)
    assert verdict.status is Status.HOLDS
    assert verdict.measured["tolerance_s"] == pytest.approx(0.1)
    assert verdict.summary == "sweep ran 11 times in 11.0 s, every 1 s."


@pytest.mark.parametrize("beside_s", [0.0, 0.001, 0.3, 0.5, 0.7, 0.999])
def test_two_schedulers_are_violated_however_they_stand_to_each_other(beside_s):
    story = steady()
    for slot in range(10):
        ran(story, 1.4 + slot + beside_s)
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "more often" in verdict.summary


def test_a_run_that_says_it_had_no_effect_does_not_count():
    story = steady()
    for slot in range(10):
        ran(story, 1.45 + slot, how="ignored")
    assert story.judged_by(LAW).status is Status.HOLDS


def test_a_run_that_we_sent_does_not_count():
    story = steady().say("send.accepted", 3.0, "ours", task="shop.sweep", queue=None)
    story.say("ledger.start", 3.1, "ours", task="shop.sweep", pid=10, role="child")
    assert story.judged_by(LAW).status is Status.HOLDS


def test_what_ran_before_the_steady_state_does_not_count():
    story = watching()
    for t in (0.8, 0.81, 0.82):
        ran(story, t)
    for slot in range(11):
        ran(story, 1.4 + slot)
    assert story.watched(12.0).judged_by(LAW).status is Status.HOLDS


def test_a_slot_without_a_run_is_violated():
    story = watching()
    for slot in (0, 1, 2, 4, 5, 6, 7, 8, 9, 10):
        ran(story, 1.4 + slot)
    verdict = story.watched(12.0).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert verdict.timed
    assert verdict.observed == "none from 3.40 to 5.40 s"


def test_a_beat_that_sends_nothing_is_violated_and_one_that_stops_is():
    assert watching().watched(12.0).judged_by(LAW).status is Status.VIOLATED
    story = watching()
    for slot in range(6):
        ran(story, 1.4 + slot)
    assert story.watched(12.0).judged_by(LAW).status is Status.VIOLATED


def test_a_drift_of_the_scheduler_does_not_add_up():
    story = steady([slot * -0.012 for slot in range(60)])
    assert story.judged_by(LAW).status is Status.HOLDS


def test_too_few_slots_are_watched_on():
    story = watching()
    for slot in range(4):
        ran(story, 1.4 + slot)
    verdict = story.watched(5.0).judged_by(LAW)
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.due_t == pytest.approx(11.0)


def test_a_calendar_a_long_period_and_a_shared_task_are_no_case():
    shared = {"task": "shop.sweep", "every_s": 3600.0}
    for story in (watching(None), watching(60.0), watching(1.0, hourly=shared)):
        assert story.watched(99.0).judged_by(LAW).status is Status.INCONCLUSIVE


def test_one_bad_entry_among_good_ones_is_violated():
    story = watching(1.0, mail={"task": "shop.mail", "every_s": 5.0})
    for slot in range(50):
        ran(story, 1.4 + slot)
    story.watched(51.0)
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert verdict.summary == "mail was due and did not run."


def test_another_situation_is_no_steady_state():
    story = Story().say("agent.schedule", 0.5, entries={})
    story.say("harness.situation", 1.0, name="exit.returned").watched(30.0)
    assert story.judged_by(LAW).status is Status.INCONCLUSIVE


test_only_one_run_per_slot_holds = properties.of(
    LAW,
    st.builds(
        steady,
        st.lists(st.floats(-0.1, 0.1), min_size=11, max_size=13),
        st.floats(0.15, 0.85),
        st.sampled_from([1.0, 2.0, 5.0]),
    ),
    Damage("a-second-scheduler", again("ledger.start", after_s=0.01)),
    Damage("no-runs", without("ledger.start")),
    Damage("all-without-effect", changed("ledger.end", to={"how": "ignored"})),
    Damage("much-too-late", moved("ledger.start", by_s=40.0)),
    Damage("not-watched", without("harness.situation"), Status.INCONCLUSIVE),
    Damage("not-asked-for", without("agent.schedule"), Status.INCONCLUSIVE),
)
