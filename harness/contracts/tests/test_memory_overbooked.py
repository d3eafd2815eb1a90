import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, both, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "memory.device-is-not-overbooked"

UNSAID = Status.INCONCLUSIVE

KEPT = both(
    without("journal.mark", "a", what="given back"), without("journal.end", "a")
)


def marked(story: Story, t: float, job: str, pid: int, what: str) -> Story:
    name = f"device gpu0 {what}"
    return story.say("journal.mark", t, job, pid=pid, name=name, what=what)


def turns(wait_s: float = 0.5) -> Story:
    """Two jobs begin together; the second takes the device when the first is done."""
    story = Story().submitted("a", 0.5).submitted("b", 0.6)
    story.started("a", 1.0).started("b", 1.1, pid=20)
    back = 1.2 + wait_s
    marked(story, 1.1, "a", 10, "taken")
    marked(story, back, "a", 10, "given back").ended("a", back)
    marked(story, back, "b", 20, "taken")
    marked(story, back + 1, "b", 20, "given back")
    return story.ended("b", back + 1, pid=20).watched(back + 2)


def test_jobs_that_take_turns_hold():
    verdict = turns().judged_by(LAW)
    assert verdict.status is Status.HOLDS
    assert verdict.summary == "2 jobs took turns on gpu0."
    assert verdict.measured == {"jobs": 1.0}


def test_two_at_once_are_violated_and_named_and_two_places_allow_it():
    story = moved("journal.mark", "b", by_s=-0.3)(turns())
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert verdict.observed == "job a in pid 10, job b in pid 20, at 1.40 s"
    story.submitted("c", 0.7).started("c", 1.2, pid=30)
    marked(story, 2.0, "c", 30, "taken")
    assert story.judged_by(LAW, jobs=2).status is Status.HOLDS


def test_one_who_gives_up_waiting_has_wanted_it_too():
    story = without("journal.mark", "b")(turns())
    assert story.judged_by(LAW).status is Status.HOLDS


def test_two_devices_are_used_side_by_side():
    story = moved("journal.mark", "b", by_s=-0.3)(turns())
    for what in ("taken", "given back"):
        other = {"name": f"device gpu1 {what}"}
        story = changed("journal.mark", "b", to=other, what=what)(story)
    assert story.judged_by(LAW).status is not Status.VIOLATED


def test_a_killed_job_gives_the_device_back():
    story = KEPT(turns())
    assert story.judged_by(LAW).status is Status.VIOLATED
    assert story.gone(1.6).judged_by(LAW).status is Status.HOLDS


def killed(free_s: float = 0.1) -> Story:
    """The one who has the device is killed at 2.0, while the other waits."""
    story = KEPT(turns(wait_s=0.8 + free_s))
    return story.fault("kill_child", 2.0, job="a").gone(2.01).watched(9.0)


def test_the_place_of_a_killed_job_is_the_next_ones():
    verdict = killed().judged_by(LAW)
    assert verdict.status is Status.HOLDS
    assert verdict.measured == {"jobs": 1.0, "t_free_s": pytest.approx(0.1)}


def test_one_who_has_it_before_the_death_was_noted_is_no_crowd():
    assert killed(free_s=-0.05).judged_by(LAW).status is Status.HOLDS


def test_a_place_that_stays_taken_is_violated():
    verdict = without("journal.mark", "b")(killed()).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert verdict.summary.startswith("The place of a killed job on gpu0 stayed taken")
    assert "nobody did until 9.00 s" in verdict.observed


def test_who_had_it_just_before_the_killed_one_is_not_who_followed():
    """On a fast machine all of it is over before a death is noted."""
    story = without("journal.mark", "b")(killed())
    story.submitted("c", 0.7).started("c", 0.8, pid=30)
    marked(story, 1.55, "c", 30, "taken")
    marked(story, 1.58, "c", 30, "given back").ended("c", 1.58, pid=30)
    story = moved("journal.mark", "a", by_s=0.5)(story)
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert "stayed taken" in verdict.summary


def on_card(story: Story, main: float, child: float) -> Story:
    shares = [{"pid": 1, "mib": main}, {"pid": 10, "mib": child}]
    data = {"role": "worker", "steady": True, "by": "nvml", "processes": shares}
    return story.say("probe.memory", 1.5, mib=main + child, **data)


def test_a_card_knows_also_who_uses_it_without_a_mark():
    assert on_card(turns(), 0, 500).judged_by(LAW).status is Status.HOLDS
    verdict = on_card(turns(), 300, 500).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert verdict.summary == "2 processes of the worker use the card."


OF_A_RUN = ("start", "mark", "end")

test_only_jobs_that_take_turns_hold = properties.of(
    LAW,
    st.builds(turns, st.floats(0.2, 9.0)),
    Damage("overlapping", moved("journal.mark", "b", by_s=-0.1)),
    Damage("kept", KEPT),
    Damage("no-marks", without("journal.mark"), UNSAID),
    Damage("only-one", both(*(without(f"journal.{o}", "b") for o in OF_A_RUN)), UNSAID),
    Damage("nobody-waited", moved("journal.start", "b", by_s=9.05), UNSAID),
)
