import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, again, changed, moved, without
from harness.tests.scheduled import ran, scheduled
from harness.tests.story import Story
from harness.verdict import Status

LAW = "schedule.two-schedulers-one-run"


def second(story: Story, t: float, bit: bool = True) -> Story:
    return story.fault("replica", t, role="beat-2", pid=20, bit=bit)


def left(story: Story, t: float) -> Story:
    return story.healed("replica", t, role="beat-2")


def overlapping(every_s: float = 1.0, phase_s: float = 0.4, slots: int = 6) -> Story:
    """Two schedulers for so many slots; the first had run before."""
    story = scheduled(every_s)
    ran(story, 1.0 + (phase_s - 1) * every_s)
    second(story, 1.0)
    for slot in range(slots):
        ran(story, 1.0 + (phase_s + slot) * every_s)
    return left(story, 1.0 + slots * every_s).watched(2.0 + slots * every_s)


def test_one_run_per_slot_holds():
    verdict = overlapping().judged_by(LAW)
    assert verdict.status is Status.HOLDS
    assert verdict.summary == (
        "sweep ran 6 times in 6.0 s, every 1 s, with two schedulers."
    )


@pytest.mark.parametrize("beside_s", [0.0, 0.01, 0.3, 0.5, 0.7, 0.999])
def test_two_runs_per_slot_are_violated_however_they_stand_to_each_other(beside_s):
    story = overlapping()
    for slot in range(5):
        ran(story, 1.4 + slot + beside_s)
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "more often" in verdict.summary


def test_runs_that_say_they_had_no_effect_do_not_count():
    story = overlapping()
    for slot in range(5):
        ran(story, 1.45 + slot, how="ignored")
    assert story.judged_by(LAW).status is Status.HOLDS


def test_two_schedulers_of_which_none_sends_are_violated():
    story = left(second(scheduled(), 1.0), 7.0).watched(8.0)
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert verdict.summary == "sweep was due and did not run."


def test_what_runs_when_the_second_has_left_or_another_fault_came_is_not_counted():
    story = overlapping(slots=6)
    for t in (7.2, 7.25, 7.3):
        ran(story, t)
    assert story.watched(9.0).judged_by(LAW).status is Status.HOLDS
    story = overlapping().fault("pause", 5.5, role="beat", pid=11)
    for t in (5.6, 5.65, 5.7):
        ran(story, t)
    assert story.judged_by(LAW).status is Status.HOLDS


def test_too_few_slots_are_watched_on_while_both_run():
    story = second(scheduled(), 1.0)
    ran(story, 1.4)
    verdict = story.watched(2.0).judged_by(LAW)
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.due_t == pytest.approx(4.0)
    assert left(story, 2.1).watched(2.2).judged_by(LAW).due_t is None


def test_a_second_worker_and_a_second_beat_that_is_not_at_work_are_no_case():
    other = Story().fault("replica", 1.0, role="worker-2", pid=20).watched(30)
    assert other.judged_by(LAW).status is Status.INCONCLUSIVE
    none = second(scheduled(), 1.0, bit=False).watched(30)
    assert none.judged_by(LAW).status is Status.INCONCLUSIVE


test_only_one_run_per_slot_holds = properties.of(
    LAW,
    st.builds(
        overlapping,
        st.sampled_from([1.0, 2.0, 5.0]),
        st.floats(0.1, 0.9),
        st.integers(5, 8),
    ),
    Damage("every-run-twice", again("ledger.start", after_s=0.01)),
    Damage("no-runs", without("ledger.start")),
    Damage("all-without-effect", changed("ledger.end", to={"how": "ignored"})),
    Damage("much-too-late", moved("ledger.start", by_s=60.0)),
    Damage("no-second", without("fault.injected"), Status.INCONCLUSIVE),
    Damage("not-asked-for", without("agent.schedule"), Status.INCONCLUSIVE),
)
