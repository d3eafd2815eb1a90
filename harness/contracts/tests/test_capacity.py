import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, both, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LAW = "capacity.next-job-starts-promptly"

UNSAID = Status.INCONCLUSIVE


def back_to_back(gaps: list[float]) -> Story:
    """Jobs of 0.5 s, all submitted at the start, with these gaps between them."""
    story, t = Story(), 1.0
    jobs = [*map(str, range(len(gaps))), "last"]
    for n, job in enumerate(jobs):
        story.submitted(job, 0.01 * n)
    for n, job in enumerate(jobs):
        story.started(job, t, 10 + n).ended(job, t + 0.5, pid=10 + n)
        t += 0.5 + (gaps[n] if n < len(gaps) else 0.0)
    return story.watched(t + 2.0)


def test_short_gaps_between_fresh_processes_hold():
    verdict = back_to_back([0.2, 0.3, 0.4]).judged_by(LAW)
    assert verdict.status is Status.HOLDS
    assert verdict.measured["gap_s"] == pytest.approx(0.4)


def test_a_long_gap_is_violated():
    verdict = back_to_back([0.2, 4.2]).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert verdict.timed
    assert "4.20 s" in verdict.summary


def test_a_job_of_somebody_else_in_between_is_no_gap():
    story = back_to_back([0.2, 0.2, 1.4])
    assert story.judged_by(LAW).status is Status.VIOLATED
    story.say("ledger.start", 4.0, "of-beat", pid=99, role="child")
    story.say("ledger.end", 4.2, "of-beat", pid=99, role="child", how="success")
    verdict = story.judged_by(LAW)
    assert verdict.status is Status.HOLDS
    assert verdict.measured["gap_s"] < 1


def test_one_gap_is_too_few():
    assert back_to_back([0.2]).judged_by(LAW).status is Status.INCONCLUSIVE


def test_a_worker_with_nothing_to_do_is_not_slow():
    story = back_to_back([0.2, 0.2]).submitted("late", 30.0)
    story.started("late", 30.1, 99).ended("late", 30.6, pid=99)
    assert story.judged_by(LAW).status is Status.HOLDS


def test_the_ledger_counts_where_there_is_no_journal():
    story, t = Story(), 1.0
    for n in range(3):
        job, pid = f"{n}", 10 + n
        story.sent(job, 0.1, 3.0, 5.0)
        story.say("ledger.start", t, job, pid=pid, role="child")
        story.say("ledger.end", t + 0.1, job, pid=pid, role="child", how="success")
        t += 0.3
    assert story.judged_by(LAW).status is Status.HOLDS


LATE = both(
    moved("journal.start", "last", by_s=1.01), moved("journal.end", "last", by_s=1.01)
)

NEVER = both(without("journal.start", "last"), without("journal.end", "last"))

ONE_PROCESS = both(
    changed("journal.start", to={"pid": 10}), changed("journal.end", to={"pid": 10})
)

test_only_short_gaps_between_fresh_processes_hold = properties.of(
    LAW,
    st.builds(back_to_back, st.lists(st.floats(0.0, 0.9), min_size=3, max_size=5)),
    Damage("a-long-gap", LATE),
    Damage("the-last-never-starts", NEVER),
    Damage("one-process-for-all", ONE_PROCESS, UNSAID),
    Damage("nobody-waited", moved("driver.submitted", by_s=99.0), UNSAID),
    Damage("nobody-ended", without("journal.end"), UNSAID),
    Damage("nobody-started", without("journal.start"), UNSAID),
)
