import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.tests.story import Story
from harness.verdict import Status

LAW = "capacity.next-job-starts-promptly"


def back_to_back(gaps: list[float], pids: list[int] | None = None) -> Story:
    """Jobs of 0.5 s, all submitted at the start, with these gaps between them."""
    story, t = Story(), 1.0
    for n in range(len(gaps) + 1):
        story.submitted(f"{n}", 0.01 * n)
    for n in range(len(gaps) + 1):
        pid = pids[n] if pids else 10 + n
        story.started(f"{n}", t, pid).ended(f"{n}", t + 0.5, pid=pid)
        t += 0.5 + (gaps[n] if n < len(gaps) else 0.0)
    return story.watched(t)


def test_short_gaps_between_fresh_processes_hold():
    verdict = back_to_back([0.2, 0.3, 0.4]).judged_by(LAW)
    assert verdict.status is Status.HOLDS
    assert verdict.measured["gap_s"] == pytest.approx(0.4)


def test_a_long_gap_is_violated():
    verdict = back_to_back([0.2, 4.2]).judged_by(LAW)
    assert verdict.status is Status.VIOLATED
    assert verdict.timed
    assert "4.20 s" in verdict.summary


def test_one_process_for_all_jobs_recycles_nothing():
    verdict = back_to_back([0.2, 0.2], pids=[10, 10, 10]).judged_by(LAW)
    assert verdict.status is Status.INCONCLUSIVE


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


@given(st.lists(st.floats(0.0, 0.9), min_size=2, max_size=6), st.data())
def test_all_short_gaps_hold_and_a_single_long_one_does_not(gaps, data):
    assert back_to_back(gaps).judged_by(LAW).status is Status.HOLDS
    gaps[data.draw(st.integers(0, len(gaps) - 1))] = 1.5
    assert back_to_back(gaps).judged_by(LAW).status is Status.VIOLATED
