from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

UNTOUCHED = "memory.device-is-untouched-before-the-job"

UNSAID = Status.INCONCLUSIVE


def look(story: Story, t: float, main: float, child: float, by: str = "pss") -> Story:
    shares = [
        {"pid": 1, "parent": 0, "mib": main},
        {"pid": 10, "parent": 1, "mib": child},
    ]
    data = {"steady": True, "took_s": 0.05, "by": by, "processes": shares}
    return story.say("probe.memory", t, role="worker", mib=main + child, **data)


def fresh(main: float = 200, child: float = 180, by: str = "pss") -> Story:
    """A worker starts at 1.0 and does a job in each of two processes."""
    story = Story().say("stack.started", 1.0, role="worker", pid=1)
    look(story, 1.2, main, child, by).submitted("a", 2.0).submitted("b", 2.1)
    story.started("a", 2.2, pid=10).ended("a", 3.0, pid=10)
    return story.started("b", 3.2, pid=11).ended("b", 4.0, pid=11).watched(5.0)


def test_a_worker_that_leaves_the_device_to_its_jobs_holds():
    verdict = fresh().judged_by(UNTOUCHED)
    assert verdict.status is Status.HOLDS
    assert verdict.measured == {"idle_mib": 380.0}
    assert "MiB by pss" in verdict.observed


def test_in_main_memory_what_it_holds_before_any_job_counts():
    verdict = fresh(main=500).judged_by(UNTOUCHED)
    assert verdict.status is Status.VIOLATED
    assert verdict.summary == "Before any job the worker holds 680 MiB."


def test_on_a_card_the_main_process_holds_nothing_and_a_child_may():
    assert fresh(main=0, child=900, by="nvml").judged_by(UNTOUCHED).status is (
        Status.HOLDS
    )
    verdict = fresh(main=300, child=0, by="nvml").judged_by(UNTOUCHED)
    assert verdict.status is Status.VIOLATED
    assert verdict.summary == "The worker's main process holds 300 MiB of the card."
    assert "by nvml" in verdict.observed


def test_a_first_job_that_hangs_until_its_hard_limit_is_violated():
    story = without("journal.end", "b")(fresh()).reported("b", 8.2, "hard_time_limit")
    verdict = story.judged_by(UNTOUCHED)
    assert verdict.status is Status.VIOLATED
    assert verdict.observed == "process 11: hard_time_limit at 8.20 s"


def test_a_second_job_in_a_process_is_no_first_one():
    story = fresh().submitted("c", 2.3).started("c", 4.1, pid=11)
    story.ended("c", 4.5, "raised:ValueError", pid=11)
    assert story.judged_by(UNTOUCHED).status is Status.HOLDS


def test_a_worker_that_ran_before_the_history_began_says_nothing():
    story = changed("stack.started", to={"kept": True})(fresh())
    assert story.judged_by(UNTOUCHED).status is UNSAID


test_only_an_untouched_device_and_first_jobs_that_work_hold = properties.of(
    UNTOUCHED,
    st.builds(fresh, st.floats(50, 400), st.floats(0, 200)),
    Damage("loaded-before", changed("probe.memory", to={"mib": 900.0})),
    Damage("first-fails", changed("journal.end", "a", to={"how": "raised:X"})),
    Damage("after-recycling-fails", changed("journal.end", "b", to={"how": "lost"})),
    Damage("never-ends", without("journal.end", "b"), UNSAID),
    Damage("one-process", changed("journal.start", "b", to={"pid": 10}), UNSAID),
    Damage("nobody-looked", without("probe.memory"), UNSAID),
    Damage("looked-too-late", moved("probe.memory", by_s=1.5), UNSAID),
    Damage("not-started", without("stack.started"), UNSAID),
)
