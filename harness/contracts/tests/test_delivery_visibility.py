import pytest
from hypothesis import strategies as st

from harness.tests import properties
from harness.tests.properties import Damage, again, changed, moved, without
from harness.tests.story import Story
from harness.verdict import Status

LONG = "delivery.long-job-runs-once"
RESERVED = "delivery.reserved-runs-once"

UNSAID = Status.INCONCLUSIVE


def sent(story: Story, job: str, t: float) -> Story:
    return story.say("send.accepted", t, job, task="hold")


def run(story: Story, job: str, start: float, end: float, pid: int, how="success"):
    story.say("ledger.start", start, job, pid=pid, role="child")
    return story.say("ledger.end", end, job, pid=pid, role="child", how=how)


def aged(story: Story, job: str, t: float, bit: bool = True) -> Story:
    why = "the hard limit of 6 s; timeout 4 s"
    return story.say("fault.injected", t, job, fault="age", bit=bit, to_s=6.0, why=why)


def long_job(ages=2.0, swept=1.0, ends=1.0) -> Story:
    """It runs from 1.0; its message ages, is looked at, the job ends."""
    story = aged(sent(Story(), "long", 0.5), "long", ages)
    story.say("probe.swept", ages + swept, "long")
    run(story, "long", 1.0, ages + swept + ends, 10)
    return story.watched(ages + swept + ends + 2.1)


test_only_a_long_job_that_runs_once_holds = properties.of(
    LONG,
    st.builds(long_job, st.floats(1.1, 9.0), st.floats(0.1, 9.0), st.floats(0.1, 9.0)),
    Damage("executed-beside", again("ledger.start", after_s=0.05, but={"pid": 11})),
    Damage("never-aged", without("fault.injected"), UNSAID),
    Damage("did-not-bite", changed("fault.injected", to={"bit": False}), UNSAID),
    Damage("nobody-looked", without("probe.swept"), UNSAID),
    Damage("looked-after-the-end", moved("probe.swept", by_s=9.2), UNSAID),
    Damage("never-ended", without("ledger.end"), UNSAID),
    Damage("failed", changed("ledger.end", to={"how": "lost"}), UNSAID),
    Damage("not-watched", moved("harness.heartbeat", by_s=-0.5), UNSAID),
)


@pytest.mark.parametrize(
    ("starts", "when"), [(3.0, "while it ran"), (4.5, "after it had succeeded")]
)
def test_a_second_execution_is_violated(starts, when):
    story = run(long_job(), "long", starts, starts + 1, 11).watched(9.0)
    verdict = story.judged_by(LONG)
    assert verdict.status is Status.VIOLATED
    assert verdict.timed
    assert when in verdict.summary
    assert "timeout 4 s" in verdict.expected


def test_a_stall_that_may_have_made_the_message_too_old_is_doubted():
    story = run(long_job(), "long", 3.0, 4.0, 11).watched(9.0)
    story.say("harness.heartbeat", 2.9, gap_s=1.5)
    assert story.judged_by(LONG).status is UNSAID


@pytest.mark.parametrize("how", ["ignored", "rejected"])
def test_a_second_execution_that_a_guard_refuses_holds(how):
    story = run(long_job(), "long", 3.1, 3.2, 11, how).watched(9.0)
    assert story.judged_by(LONG).status is Status.HOLDS


def test_a_failed_job_may_be_run_again():
    story = changed("ledger.end", to={"how": "lost"})(long_job())
    verdict = run(story, "long", 4.5, 5.0, 11).watched(9.0).judged_by(LONG)
    assert verdict.status is UNSAID
    assert "ended as lost" in verdict.summary


def test_a_job_that_waited_is_no_long_one():
    story = aged(sent(Story(), "waits", 0.5), "waits", 1.0)
    assert run(story, "waits", 2.0, 3.0, 10).judged_by(LONG).status is UNSAID


def reserved(ages=2.0, swept=1.0, begins=1.0, *, held=True) -> Story:
    """One job runs from 1.0; the other is held behind it, ages, and runs after it."""
    story = sent(sent(Story(), "runs", 0.5), "waits", 1.2)
    over = ages + swept + begins
    run(story, "runs", 1.0, over, 10)
    story.say("probe.held", 1.5, "waits", held=held)
    if held:
        aged(story, "waits", ages).say("probe.swept", ages + swept, "waits")
    return run(story, "waits", over + 0.1, over + 0.2, 10).watched(over + 2.3)


TIMES = (st.floats(1.6, 9.0), st.floats(0.1, 9.0), st.floats(0.1, 9.0))

test_only_a_reserved_job_that_runs_once_holds = properties.of(
    RESERVED,
    st.builds(reserved, *TIMES),
    Damage(
        "executed-twice", again("ledger.start", "waits", after_s=0.05, but={"pid": 11})
    ),
    Damage("executed-by-both", again("ledger.start", "waits", after_s=1.0)),
    Damage("never-aged", without("fault.injected"), UNSAID),
    Damage("nobody-looked", without("probe.swept"), UNSAID),
    Damage("looked-too-late", moved("probe.swept", by_s=9.3), UNSAID),
    Damage("not-seen-to-wait", without("probe.held"), UNSAID),
    Damage("ran-before-it-was-seen", moved("probe.held", by_s=30.0), UNSAID),
    Damage("never-executed", without("ledger.start", "waits"), UNSAID),
    Damage("the-first-still-runs", without("ledger.end", "runs"), UNSAID),
    Damage("not-watched", moved("harness.heartbeat", by_s=-0.5), UNSAID),
)


def test_a_job_that_waits_in_the_broker_is_in_no_danger():
    properties.holds(RESERVED, reserved(held=False))


def test_what_was_executed_twice_needs_no_danger_to_be_violated():
    story = run(reserved(held=False), "waits", 4.5, 4.6, 11).watched(9.0)
    verdict = story.judged_by(RESERVED)
    assert verdict.status is Status.VIOLATED
    assert "2 executions" in verdict.observed


def test_a_watch_that_is_too_short_goes_on():
    verdict = without("harness.heartbeat")(reserved()).judged_by(RESERVED)
    assert verdict.status is UNSAID
    assert verdict.due_t == pytest.approx(6.2)
